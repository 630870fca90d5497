-- A link is of one payment. Where two hold one, from a time when nothing forbade it, the first keeps it; the other is asked about by our reference.
update payments p set gateway_reference = null
where p.gateway_reference is not null and exists (
    select from payments q
    where q.account = p.account and q.gateway_reference = p.gateway_reference and (q.order_id, q.number) < (p.order_id, p.number));

create unique index payments_link on payments (gateway_reference, account) where gateway_reference is not null;
