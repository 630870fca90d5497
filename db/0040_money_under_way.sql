-- Of a payment that was processing and then ended, older programs kept no reading that says that nothing is on its way any more; so it would keep its shopper from paying in another
-- way until somebody asks. Orders that can still be paid are looked at now, which asks.
update orders o set wake_at = now() where o.status = 0 and exists (
    select from payments p where p.order_id = o.id and p.status in (6, 7, 8) and p.processing_at is not null and not coalesce(p.clear_at > p.processing_at, false));
