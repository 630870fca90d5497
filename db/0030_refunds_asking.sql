-- A refund that failed when another of the same money had been asked for is asked about under its own name.
alter table refunds add column asks_by_itself boolean not null default false;
