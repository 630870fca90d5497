-- What a person is asked about is booked from the moment its file is applied: it waits in suspense until it is answered. Rows that an older program asked
-- about and did not book, and answers by which it moved nothing, are made up for: what should stand of each, less what does.

with asked as (
  select distinct on (d.account, d.row_key) d.account, d.row_key, d.file, l.net, l.net_currency as currency, coalesce(l.fee, 0) as fee, coalesce(l.tax, 0) as tax,
    coalesce(f.paid_out, false) as paid_out,
    -- Where the money stands: nowhere by the row itself, when an order has it.
    case when d.resolved_at is null then 'suspense' when d.final then null when d.resolution <> 'accept' then 'fees' when l.kind in (2, 3) then 'refunds' when l.kind in (4, 5) then 'disputes'
      else 'sales' end as place
  from settlement_discrepancies d join settlement_files f on f.id = d.file join settlement_lines l on l.file = d.file and l.number = d.number
  -- Not of rows that came before or twice, failed payments, payouts that the other rows are parts of, and rows that were applied after all.
  where d.class not in (8, 16) and l.class not in (8, 15, 16) and l.kind <> 1 and not (l.kind = 7 and coalesce(f.paid_out, false)) and not (d.class = 17 and d.final)
    and abs(l.amount::numeric) + abs(l.net::numeric) + abs(coalesce(l.fee, 0)::numeric) + abs(coalesce(l.tax, 0)::numeric) <= 4611686018427387903
  order by d.account, d.row_key, d.resolved_at is null desc, d.class = 17, d.id desc),
wanted as (
  select a.account, a.row_key, s.ledger_account, a.currency, sum(s.amount) as amount
  from asked a cross join lateral (values
    ('receivable:' || a.account, case when a.paid_out then 0 else a.net end), ('bank', case when a.paid_out then a.net else 0 end),
    ('fees', a.fee), ('fee_tax', a.tax), (a.place, -(a.net + a.fee + a.tax))) s (ledger_account, amount)
  where a.place is not null group by 1, 2, 3, 4),
stands as (
  select p.account, p.row_key, p.ledger_account, p.currency, sum(p.amount) as amount
  from asked a join settlement_postings p on p.account = a.account and p.row_key = a.row_key group by 1, 2, 3, 4),
moved as (
  select account, row_key, ledger_account, currency, (coalesce(w.amount, 0) - coalesce(s.amount, 0))::bigint as amount
  from wanted w full join stands s using (account, row_key, ledger_account, currency) where coalesce(w.amount, 0) <> coalesce(s.amount, 0))
insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at)
select m.account, m.row_key, (select coalesce(max(p.line), 0) from settlement_postings p where p.account = m.account and p.row_key = m.row_key)
    + row_number() over (partition by m.account, m.row_key order by m.ledger_account, m.currency), m.ledger_account, m.amount, m.currency, a.file, now()
from moved m join asked a on a.account = m.account and a.row_key = m.row_key;
