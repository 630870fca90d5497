-- Refunds that gateways are asked for, and what statements say of money.
alter table refunds add column note text;
alter table refunds add column asked_at timestamptz;
update refunds set asked_at = requested_at;
alter table refunds alter column asked_at set default clock_timestamp();
alter table refunds alter column asked_at set not null;
alter table refunds add column asks integer not null default 0;
alter table refunds add column unsent_asks integer not null default 0;
alter table refunds add column refund_reference text;
alter table refunds add column bank_reference text;
alter table refunds add column done_at timestamptz;
alter table refunds add column why text;
alter table refunds add column rejected boolean not null default false;
alter table refunds add column look_at timestamptz;
alter table refunds add column looked_at timestamptz;
alter table refunds add column absent_first_at timestamptz;
alter table refunds add column absent_last_at timestamptz;
alter table refunds add column settled text;             -- JSON: the statement's row
alter table refunds add column settled_otherwise boolean not null default false;

-- What was requested before anybody asked gateways is asked for now: no question left us yet, and the alarm rings at once.
update refunds set look_at = requested_at where status in (0, 1, 2);
update orders o set wake_at = least(coalesce(o.wake_at, clock_timestamp()), clock_timestamp())
where exists (select from refunds r where r.order_id = o.id and r.look_at is not null);

alter table payments add column outside_refunds text;    -- JSON: what the gateway gave back without being asked
alter table payments add column answers text;            -- JSON: questions that a person has answered

-- By when a statement should have the money, and the day it had it.
alter table captures add column due_on date;
alter table captures add column settled_on date;
create index captures_due on captures (account, due_on) where due_on is not null and settled_on is null;

-- News of a refund may carry nothing but the gateway's name for it.
create index refunds_reference on refunds (refund_reference) where refund_reference is not null;
