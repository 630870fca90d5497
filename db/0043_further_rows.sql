-- Each further row of a key has a question and postings of its own, for ever: `KEY (again stl_3 line 2)`, by its file and line. The gateway's key is beside it. What an older program asked once
-- about all further rows of a key keeps the key itself, and its postings `KEY (again)`.
alter table settlement_discrepancies add column again_of text;
create index settlement_discrepancies_again on settlement_discrepancies (account, again_of) where again_of is not null;
