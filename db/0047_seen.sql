-- What an answer to an order's question would move when the person decided, or the first of two: it moves that or nothing. Null of what an older program kept.
alter table order_resolutions add column seen_amounts bigint[];
alter table order_resolutions add column seen_currencies text[];
