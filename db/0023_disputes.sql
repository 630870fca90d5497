-- Each dispute by itself: what the bank took and gave back, and which rows of statements say so. `dispute` is all of them as one word, as before.
alter table payments add disputes text;     -- JSON
-- How much of each reversed money is booked as gone, beside `reversals`, which older programs read and write.
alter table payments add reversed text;     -- JSON

-- A dispute that was known before has no name: it was told of without one. 20 and 21 are the events of its opening and its end.
update payments p set disputes = (
    select jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('reference', '', 'state', p.dispute, 'told_at', e.at,
        'taken', jsonb_build_array((e.data::jsonb->>'amount')::bigint, e.data::jsonb->>'currency'),
        'returned', case when p.dispute = 2 then jsonb_build_array((e.data::jsonb->>'amount')::bigint, e.data::jsonb->>'currency') end)))::text
    from events e where e.order_id = p.order_id and e.type in (20, 21) and e.data::jsonb->'payment'->>'id' like '%\_' || p.number order by e.sequence limit 1)
where p.dispute > 0;
