-- What is decided outside of the orders' events: questions about statements' rows, what persons answered, policies, what became of files. Each row says how
-- one row of another table stands from then on (null: it is gone), and is chained: its hash covers the hash before it, the number, the time, and all it says.
-- `purser audit` compares, and names a row that stands otherwise.
create table decisions (
    number          bigint primary key,
    at              timestamptz not null,
    about           text not null,          -- the table and the row's key
    state           text,                   -- the row as JSON
    hash            bytea not null
);
create index decisions_at on decisions (at, number);

-- The end of the chain, so that an end that was cut off is missed.
create table decision_head (
    one             boolean primary key default true check (one),
    number          bigint not null,
    hash            bytea not null
);

-- What the classes of a file's lines were when it was applied: SHA-256 over each line's number and class.
alter table settlement_files add classes bytea;

-- The same text whatever the session's settings are.
create function row_state(r anyelement) returns jsonb language sql stable set timezone = 'UTC' set bytea_output = 'hex' as 'select to_jsonb(r)';

-- A file says what came in, and at its end what became of it; how far it is in between is nobody's decision.
create function file_state(f settlement_files) returns jsonb language sql stable as $$
    select row_state(f) - '{leased_by,leased_until,tries}'::text[] - case when f.state in (5, 6) then '{}' else
        '{state,read_at,done_at,rows_read,rows_stored,rows_acted,summary,covers_from,covers_to,paid_out,policy,refusal,refusal_row,refusal_column,preview,turn,key_bits,classes}'::text[] end
$$;

create view decided as
select 'settlement_discrepancies/' || d.id as about, row_state(d) as state from settlement_discrepancies d
union all select 'order_resolutions/' || r.order_id || '_' || r.sequence, row_state(r) from order_resolutions r
union all select 'reconciliation_policies/' || p.version, row_state(p) from reconciliation_policies p
union all select 'audit_log/' || a.id, row_state(a) from audit_log a where a.by_whom <> 'purser'
union all select 'settlement_files/' || f.id, file_state(f) from settlement_files f where not f.dry_run;

-- What stands today is where the chain begins.
create function pg_temp.chained(before bytea, link bytea) returns bytea language sql immutable as 'select sha256(before || link)';
create aggregate pg_temp.chain(bytea) (sfunc = pg_temp.chained, stype = bytea, initcond = '');
insert into decisions (number, at, about, state, hash)
select number, at, about, state, pg_temp.chain(int8send(number) || timestamptz_send(at) || convert_to(about || chr(10) || state, 'UTF8')) over (order by number)
from (select row_number() over (order by about) as number, now() as at, about, state::text as state from decided) x;
drop aggregate pg_temp.chain(bytea);
drop function pg_temp.chained(bytea, bytea);
insert into decision_head (number, hash) select coalesce(max(number), 0), coalesce((select hash from decisions order by number desc limit 1), '') from decisions;

-- Whoever decides does this last in the commit: one is behind the other, and nobody waits for more than the other's commit ("anchor" on a phone's keys, and 8).
create function chain_decision() returns trigger language plpgsql as $$
declare
    last record;
begin
    perform pg_advisory_xact_lock(262470);
    select d.number, d.hash into last from decisions d order by d.number desc limit 1;
    new.number := coalesce(last.number, 0) + 1;
    new.at := clock_timestamp();
    new.hash := sha256(coalesce(last.hash, '') || int8send(new.number) || timestamptz_send(new.at) || convert_to(new.about || chr(10) || coalesce(new.state, ''), 'UTF8'));
    return new;
end $$;
create function move_decision_head() returns trigger language plpgsql as $$
begin
    update decision_head h set number = d.number, hash = d.hash from (select l.number, l.hash from decisions l order by l.number desc limit 1) d where d.number > h.number;
    return null;
end $$;
create trigger decisions_are_chained before insert on decisions for each row execute function chain_decision();
create trigger decisions_move_the_head after insert on decisions for each statement execute function move_decision_head();
create trigger decisions_are_final before update or delete or truncate on decisions for each statement execute function refuse_change();

-- An anchor vouches for the decisions up to the end of its day, too; null: made before there were any.
alter table anchors add decisions bigint;
