-- When a payment first failed, expired or was cancelled: while its order can still be paid in another way, late money of it is watched for from then on.
alter table payments add column ended_at timestamptz;
