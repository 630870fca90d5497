-- Events are chained: each hash covers the hash before it, the order, the number, the type, the time and the data as stored. The first event
-- of an order follows the empty hash. A default and no constraint: while nodes are being replaced, older ones still write events without a
-- hash, and `purser audit` names those.
alter table events add column hash bytea not null default '';
-- The hash of the order's latest event, so that the next one is chained without another look.
alter table orders add column hash bytea not null default '';

create function pg_temp.chained(before bytea, link bytea) returns bytea language sql immutable as 'select sha256(before || link)';
create aggregate pg_temp.chain(bytea) (sfunc = pg_temp.chained, stype = bytea, initcond = '');
update events e set hash = c.hash
from (
  select order_id, sequence, pg_temp.chain(int8send(order_id) || int4send(sequence) || int2send(type) || timestamptz_send(at) || convert_to(data, 'UTF8'))
    over (partition by order_id order by sequence) as hash
  from events) c
where e.order_id = c.order_id and e.sequence = c.sequence;
update orders o set hash = e.hash from events e where e.order_id = o.id and e.sequence = o.sequence;
drop aggregate pg_temp.chain(bytea);
drop function pg_temp.chained(bytea, bytea);

-- One row for each day that is over (UTC), over the latest hash that each order reached on it, and over the anchor of the day before.
create table anchors (
    day             date primary key,
    orders          bigint not null,
    events          bigint not null,
    hash            bytea not null,
    made_at         timestamptz not null
);

-- Every posting with its event: what balances, statements and exports read.
create view ledger as
select e.at, p.order_id, p.sequence, p.line, e.type, p.account, p.amount, p.currency
from postings p join events e on e.order_id = p.order_id and e.sequence = p.sequence;
