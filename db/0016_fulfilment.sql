-- Paid orders whose goods have not gone out, by when they were paid: few where goods are confirmed, and the list of all orders is long.
create index orders_unfulfilled on orders (ended_at) where status = 1 and fulfilled_at is null;
-- Open disputes are few.
create index payments_disputed on payments (order_id) where dispute = 1;
