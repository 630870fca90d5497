-- The line of a later file that has the row of a question again and names what the first did not, where a person is still to be asked about it: the question is what both say together.
alter table settlement_discrepancies add column named_file bigint;
alter table settlement_discrepancies add column named_number integer;
