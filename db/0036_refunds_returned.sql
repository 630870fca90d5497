-- The row of a statement that gave back to us what a refund had given: as the row says it.
alter table refunds add column returned text;
