-- What routing needs to know of an order and of a payment.
alter table orders add column customer_country text check (customer_country ~ '^[A-Z]{2}$');
-- Routing chose the account, so routing may choose another if this one provably did nothing.
alter table payments add column routed boolean not null default false;
