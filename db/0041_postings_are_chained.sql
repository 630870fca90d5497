-- What statements' rows posted was chained to nothing: neither its day nor the file that it is of. From now on whoever posts says so in a decision, in the commit that posts and beside the
-- question that it follows from: '{"account", "file", "postings": [[row_key, line, ledger_account, amount, currency, posted_at], ...]}', of at most a batch of a file. What stands today is
-- taken as it stands.
create function posting_state(p settlement_postings) returns jsonb language sql stable set timezone = 'UTC' as
    'select jsonb_build_array(p.row_key, p.line, p.ledger_account, p.amount, p.currency, p.posted_at)';

insert into decisions (about, state)
select 'settlement_postings/' || file, jsonb_build_object('account', account, 'file', file, 'postings', jsonb_agg(posting_state(p) order by row_key, line))::text
from (select s.*, (row_number() over (partition by s.account, s.file order by s.row_key, s.line) - 1) / 1000 as part from settlement_postings s) x
cross join lateral (select (x.account, x.row_key, x.line, x.ledger_account, x.amount, x.currency, x.file, x.posted_at)::settlement_postings as p) y
group by account, file, part order by account, file, part;
