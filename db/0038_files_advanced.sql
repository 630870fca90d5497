-- When a settlement file last got on, so that one that hangs is told of. How far it is on its way is nobody's decision, so no decision tells of it.
alter table settlement_files add column advanced_at timestamptz;

create or replace function file_state(f settlement_files) returns jsonb language sql stable as $$
    select row_state(f) - '{leased_by,leased_until,tries,advanced_at}'::text[] - case when f.state in (5, 6) then '{}' else
        '{state,read_at,done_at,rows_read,rows_stored,rows_acted,summary,covers_from,covers_to,paid_out,policy,refusal,refusal_row,refusal_column,preview,turn,key_bits,classes}'::text[] end
$$;
