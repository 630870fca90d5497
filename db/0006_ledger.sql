-- The ledger holds what rows of statements mean for the books, beside what events mean. A row has no order, so it is put in order by a number
-- made of its key. Joined from the left, so that sums over all time need not look at events.
drop view ledger;
create view ledger as
select e.at, p.order_id as entry, p.sequence, p.line, p.order_id, e.type, p.account, p.amount, p.currency, null::text as gateway, null::text as row_key
from postings p left join events e on e.order_id = p.order_id and e.sequence = p.sequence
union all
select s.posted_at, hashtextextended(s.account || chr(10) || s.row_key, 0) & 9223372036854775807, 0, s.line, null, null, s.ledger_account, s.amount, s.currency,
  s.account, s.row_key
from settlement_postings s;
