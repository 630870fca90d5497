-- A reversal says how much of its money is booked as gone: what no refund is known to have given back.
update payments set reversals = (
    select jsonb_agg(case when c is null then jsonb_build_object('reference', r)
        else jsonb_build_object('reference', r, 'booked', jsonb_build_array((c->>'amount')::bigint, c->>'currency')) end)::text
    from jsonb_array_elements_text(reversals::jsonb) r
    left join lateral (select c from jsonb_array_elements(coalesce(captures, '[]')::jsonb) c where c->>'reference' = r limit 1) known on true)
where reversals is not null;
