-- A refund that failed after its money had gone back: a statement's row about it is no news then, and of one that only failed it is.
alter table refunds add column came_back boolean not null default false;

-- 19 is the event of its failure; it names what had gone back.
update refunds r set came_back = true
where r.status = 4 and exists (
    select from events e where e.order_id = r.order_id and e.type = 19 and e.data::jsonb ? 'replaces_amount'
        and e.data::jsonb->>'refund' like '%\_' || r.number);
