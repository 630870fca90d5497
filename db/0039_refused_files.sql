-- Operators are told of files that were refused, and of dropped ones that could not even be kept; a refused file stands until a good one of its days or a person's word replaces it.
alter table settlement_files add dismissed_at timestamptz;      -- a person said that a refused file needs nothing more; audit_log has who and why
create index settlement_files_refused on settlement_files (account, id) where state = 6 and not dry_run and dismissed_at is null;

alter table operator_notices add what text;                     -- kind 7: a dropped file's name and why it could not be kept; kind 6 (refused files): account and, as since, the day
drop index operator_notices_account;
create unique index operator_notices_account on operator_notices (account, kind, since);
