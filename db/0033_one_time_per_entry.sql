-- The sides of one entry are posted at one time. Until now each row had its own, some microseconds apart, and what fell between them tore the entry in two.
update settlement_postings p set posted_at = g.at
from (
    select account, row_key, line, min(posted_at) over (partition by account, row_key, entry) as at
    from (
        select account, row_key, line, posted_at, sum(begins) over (partition by account, row_key order by line) as entry
        from (
            select account, row_key, line, posted_at,
                case when posted_at - lag(posted_at) over (partition by account, row_key order by line) <= interval '1 second' then 0 else 1 end as begins
            from settlement_postings) b) e) g
where g.account = p.account and g.row_key = p.row_key and g.line = p.line and g.at <> p.posted_at;
