-- What a gateway hinted at is asked about until it answers; news that were kept aside are read again.

alter table payments add column heard_at timestamptz;
alter table refunds add column heard_at timestamptz;
alter table gateway_news add column readings smallint not null default 0;
