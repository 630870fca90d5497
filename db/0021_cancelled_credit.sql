-- A credit note without a refund: its order was cancelled, for the gateway denied the money, and all that was left of the invoice counts no more.
alter table invoices drop constraint invoices_check;
alter table invoices add constraint invoices_refund_is_credited check (kind = 1 or refund is null);
create unique index invoices_of_cancelled on invoices (order_id) where kind = 1 and refund is null and voided_at is null;
