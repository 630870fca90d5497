-- What a row says otherwise than the first of its name stands in the books; an older program only asked about it.
alter table settlement_discrepancies add column booked boolean not null default false;
