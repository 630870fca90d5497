-- Orders and all that is committed with them. One row lock, on the order, covers its payments, refunds and events; so the tables below
-- an order carry no foreign key to it (the check costs up to a tenth of a payment's work, and only the engine writes them).

create table orders (
    id              bigint primary key,
    reference       text,
    fingerprint     bytea not null,
    amount          bigint not null check (amount > 0),
    currency        text not null check (currency ~ '^[A-Z]{3}$'),
    description     text not null,
    customer_name   text,
    customer_email  text,
    customer_phone  text,
    user_id         text,
    return_url      text,
    lines           text not null,          -- JSON; read by nothing but the order's own page and API answer
    metadata        text not null,          -- JSON
    late_policy     smallint not null,
    duplicate_policy smallint not null,
    second_link     boolean not null,
    status          smallint not null check (status between 0 and 3),
    late            boolean not null default false,
    paid_by         integer,
    captured        bigint not null default 0,
    refunding       bigint not null default 0,
    sequence        integer not null,
    created_at      timestamptz not null,
    expires_at      timestamptz not null,
    closing_at      timestamptz,
    ended_at        timestamptz,
    fulfilled_at    timestamptz,
    wake_at         timestamptz,
    check ((status = 1) = (paid_by is not null)),
    check (status <> 0 or wake_at is not null)      -- an order that waits for money always has an alarm
) with (fillfactor = 80);

-- The merchant's own reference names one order for ever.
create unique index orders_reference on orders (reference) where reference is not null;
-- The sweeper takes what is due, oldest first.
create index orders_wake on orders (wake_at) where wake_at is not null;

create table payments (
    order_id        bigint not null,
    number          integer not null check (number >= 1),
    account         text not null,
    status          smallint not null check (status between 0 and 8),
    amount          bigint not null,
    currency        text not null,
    method          text,
    return_url      text not null,
    started_at      timestamptz not null,
    link_expires_at timestamptz not null,
    asked_at        timestamptz not null,
    asks            integer not null,
    refused_asks    integer not null,
    gateway_reference text,
    link_url        text,
    link_fields     text,                   -- JSON, for links that are forms
    link_opened_at  timestamptz,
    processing_at   timestamptz,
    clear_at        timestamptz,
    decline         text,
    declined_at     timestamptz,
    captures        text,                   -- JSON: the gateway's references of money it took, with amount, time and standing
    reversals       text,                   -- JSON: references of money it took back by itself
    fee             bigint,
    tax             bigint,
    reason          text,
    look_at         timestamptz,
    looked_at       timestamptz,
    absent_first_at timestamptz,
    absent_last_at  timestamptz,
    cancel_asked    boolean not null,
    contradicted    boolean not null,
    dispute         smallint not null,
    discrepancy     smallint,
    primary key (order_id, number),
    check (status not in (0, 1, 2, 3) or look_at is not null)   -- what is open always has a next look
) with (fillfactor = 70);

create table refunds (
    order_id        bigint not null,
    number          integer not null,
    payment         integer not null,
    money_reference text not null,
    amount          bigint not null check (amount > 0),
    currency        text not null,
    reason          smallint not null,
    status          smallint not null,
    requested_at    timestamptz not null,
    primary key (order_id, number)
);

create table events (
    order_id        bigint not null,
    sequence        integer not null,
    type            smallint not null,
    at              timestamptz not null,
    data            text not null,          -- JSON, as it is told to the world
    primary key (order_id, sequence)
);
-- GET /v1/events reads all orders' events in the order of time.
create index events_at on events (at, order_id, sequence);

create table postings (
    order_id        bigint not null,
    sequence        integer not null,
    line            integer not null,
    account         text not null,
    amount          bigint not null,
    currency        text not null,
    primary key (order_id, sequence, line)
);

create table discrepancies (
    order_id        bigint not null,
    sequence        integer not null,       -- of the event that opened it
    payment         integer not null,
    kind            smallint not null,
    money_reference text,                   -- of the capture it is about; null when it is about the link or the status
    amount          bigint not null,
    currency        text not null,
    owner           text not null default 'operator',
    opened_at       timestamptz not null,
    resolved_at     timestamptz,
    resolution      text,
    primary key (order_id, sequence)
);
create index discrepancies_open on discrepancies (opened_at) where resolved_at is null;

-- Every authenticated message of a gateway, raw. The key tells duplicates.
create table gateway_news (
    account         text not null,
    event_id        text not null,
    event_type      text not null,
    received_at     timestamptz not null,
    verdict         smallint not null,      -- 0 applied, 1 noted (nothing new in it), 2 quarantined
    reason          text,
    order_id        bigint,
    payment         integer,
    headers         text not null,
    body            bytea not null,
    primary key (account, event_id)
);
create index gateway_news_quarantine on gateway_news (received_at) where verdict = 2;

-- What was said to gateways and what they answered, redacted. The raw bytes behind replies and inquiries.
create table gateway_calls (
    id              bigint generated always as identity primary key,
    order_id        bigint not null,
    payment         integer not null,
    call            text not null,
    raw_key         text not null,
    account         text not null,
    sent_at         timestamptz not null,
    took_ms         integer not null,
    outcome         text not null,
    request         text not null,
    answer          text not null
);
create index gateway_calls_order on gateway_calls (order_id, payment);

-- Idempotency-Key of any POST: the first resource it made, for ever.
create table request_keys (
    api_key_id      integer not null,
    key             text not null,
    fingerprint     bytea not null,
    resource        text not null,
    created_at      timestamptz not null,
    primary key (api_key_id, key)
);

create table api_keys (
    id              integer generated always as identity primary key,
    name            text not null,
    kind            smallint not null,      -- 0 secret, 1 publishable
    hash            bytea not null unique,  -- SHA-256 of the key; the key itself is shown once
    hint            text not null,          -- its first letters, to tell keys apart
    origins         text[] not null default '{}',
    created_at      timestamptz not null,
    revoked_at      timestamptz
);

create table products (
    id              text primary key,
    name            text not null,
    unit_amount     bigint not null check (unit_amount > 0),
    currency        text not null,
    description     text,
    active          boolean not null default true,
    created_at      timestamptz not null,
    updated_at      timestamptz not null
);

-- What the installation keeps for itself: the key of shoppers' tokens.
create table installation (
    name            text primary key,
    value           bytea not null
);
