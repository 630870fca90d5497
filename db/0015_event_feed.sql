-- The feed of all events goes by when a row was written, inside its commit, by this clock. An event's own time may be reckoned by a node's clock
-- from an earlier reading of this one, and may lie before the start of the commit that writes it.

alter table events add recorded_at timestamptz;
update events set recorded_at = at;
alter table events alter recorded_at set default clock_timestamp(), alter recorded_at set not null;

drop index events_at;
create index events_feed on events (recorded_at, order_id, sequence);
create index events_at on events using brin (at);       -- for the day's anchor
