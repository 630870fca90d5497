-- Files of one account are applied one after another, and a file's turn is numbered when it comes: one that was refused and is read again is later than what
-- was applied meanwhile, though its id is smaller.
alter table settlement_files add turn bigint;
create sequence settlement_turns;
select setval('settlement_turns', greatest(1, (select max(id) from settlement_files)));
update settlement_files set turn = id where state = 5;
create unique index settlement_files_at_work on settlement_files (account) where turn is not null and not dry_run and state not in (5, 6);
