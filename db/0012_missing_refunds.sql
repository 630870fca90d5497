-- A refund that a statement should have, and that none has.
alter table refunds add column not_settled boolean not null default false;
create index refunds_unsettled on refunds (order_id, number) where status = 3 and settled is null and not not_settled;
