-- Rows of an earlier file that this one, which issues it again, does not have: how many, and the first of them, as it was found when the file was matched.
alter table settlement_files add column lacks text;
