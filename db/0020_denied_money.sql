-- Money that a gateway told of and denied afterwards leaves the books; what an order wants done then.
alter table payments add column denied text;   -- JSON: the gateway's references of such money, and when the question was sent to which it was denied
alter table orders add column failed_policy smallint not null default 0;
