-- A form that begins another try each time it is posted: when it was last handed out, when the shopper last came back, and until when it may be
-- handed out again.
alter table payments add column handed_at timestamptz, add column back_at timestamptz, add column open_until timestamptz;
