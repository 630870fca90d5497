-- Mail: receivers beside the webhook endpoints, and what operators are told that is no event of an order.

alter table webhook_endpoints add kind smallint not null default 0;    -- 0 an endpoint, 1 mail to shoppers, 2 mail to operators

alter table orders add locale text;         -- the shopper's language; null: the installation's

create table operator_notices (
    number          bigint generated always as identity primary key,
    kind            smallint not null,      -- 1 an endpoint is paused, 2 deliveries to it are given up
    receiver        integer not null,       -- the endpoint it is about
    since           timestamptz not null,   -- since when the endpoint fails: told once for each such time
    at              timestamptz not null,
    state           smallint not null default 0,    -- as of deliveries
    due_at          timestamptz not null,
    leased_until    timestamptz,
    failures        integer not null default 0,
    ended_at        timestamptz,
    outcome         text,
    unique (kind, receiver, since)
);
create index operator_notices_due on operator_notices (due_at) where state = 0;
