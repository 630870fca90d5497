-- Who is told of events, and what they were told. A delivery is written in the commit of its event.

create table webhook_endpoints (
    number          integer generated always as identity primary key,
    id              text not null unique,
    url             text not null,
    description     text,
    types           smallint[],             -- of events; null: all
    ordered         boolean not null,
    status          smallint not null default 0,    -- 0 active, 1 paused, 2 deleted
    paused_because  text,
    failing_since   timestamptz,            -- the first failure after the last success
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);

create table webhook_secrets (
    receiver        integer not null,
    number          integer not null,
    sealed          text not null,          -- encrypted, bound to the endpoint's id and this number
    created_at      timestamptz not null,
    ends_at         timestamptz,            -- null: the present one
    primary key (receiver, number)
);

create table deliveries (
    order_id        bigint not null,
    sequence        integer not null,
    receiver        integer not null,
    at              timestamptz not null,   -- of the event
    state           smallint not null default 0,    -- 0 waiting, 1 delivered, 2 dead
    due_at          timestamptz not null,
    leased_until    timestamptz,            -- in no index, so that taking a lease writes none
    attempts        integer not null default 0,     -- begun; the number of the latest is the name of its lease
    failures        integer not null default 0,     -- since it was last put at the beginning of the schedule
    ended_at        timestamptz,
    outcome         text,                   -- of the latest attempt, in a few words
    primary key (order_id, sequence, receiver)
) with (fillfactor = 80);
create index deliveries_due on deliveries (receiver, due_at, order_id, sequence) where state = 0;
create index deliveries_dead on deliveries (receiver, at) where state = 2;

create table delivery_attempts (
    order_id        bigint not null,
    sequence        integer not null,
    receiver        integer not null,
    number          integer not null,
    sent_at         timestamptz not null,
    took_ms         integer not null,
    url             text not null,
    signature       text not null,
    status          integer,                -- of the answer; null: none came
    trouble         text,
    answer          text,                   -- the beginning of its body
    primary key (order_id, sequence, receiver, number)
);
-- Old attempts are removed by their time; rows come in that order, so ranges of pages are enough.
create index delivery_attempts_age on delivery_attempts using brin (sent_at);
