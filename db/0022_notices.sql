-- Operators are also told of a statement's rows that opened questions, and of a gateway's news that stay aside; and no notice is given up any more.

alter table operator_notices alter receiver drop not null;
alter table operator_notices add file bigint;       -- kind 3: the settlement file whose rows opened questions, told once
alter table operator_notices add account text;      -- kind 4: the gateway account whose news stay aside; since is the day, of which one mail tells
create unique index operator_notices_file on operator_notices (file);
create unique index operator_notices_account on operator_notices (account, since);

-- Since of kind 2 is from now on the day that it tells of, so that a receiver that fails and recovers brings one mail a day.

update operator_notices set state = 0, due_at = clock_timestamp(), ended_at = null where state = 2;
