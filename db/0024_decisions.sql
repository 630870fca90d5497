-- What a person decided is recorded before it is done, with its policy, so that whoever dies in between leaves it to be finished.

alter table settlement_discrepancies add decided_at timestamptz;   -- all needed persons agree; it is being done until resolved_at
alter table settlement_discrepancies add policy integer;
create index settlement_discrepancies_decided on settlement_discrepancies (decided_at) where decided_at is not null and resolved_at is null;

alter table order_resolutions add decided_at timestamptz;
alter table order_resolutions add done_at timestamptz;             -- the order has it
alter table order_resolutions add policy integer;
alter table order_resolutions add undo_at timestamptz;             -- somebody takes it back, and it is being done
alter table order_resolutions add undo_by text;
alter table order_resolutions add undo_reason text;
create index order_resolutions_decided on order_resolutions (decided_at) where (decided_at is not null and done_at is null) or undo_at is not null;

-- What a statement's row says in columns that its reading does not know, as JSON: the gateway's own names and text.
alter table settlement_lines add extra text;

-- What a dry run found beside the classes, as JSON.
alter table settlement_files add preview text;
