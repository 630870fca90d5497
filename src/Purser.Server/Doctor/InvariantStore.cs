using Npgsql;

namespace Purser.Server.Doctor;

/// <summary>The invariants of the domain as questions to a live database. Each asks for what breaks it; no row is good news. They read whole
/// tables, so they are for an operator and for tests, never for a request.</summary>
public sealed class InvariantStore(NpgsqlDataSource database)
{
    public sealed record Invariant(string Name, string Sql);

    /// <summary>A broken invariant: how often, and the first few cases.</summary>
    public sealed record Finding(string Name, long Count, IReadOnlyList<string> Examples);

    public static IReadOnlyList<Invariant> All { get; } =
    [
        new("A reference names one order", "select reference from orders where reference is not null group by reference having count(*) > 1"),
        new("Payments are numbered 1..n within their order",
            "select order_id::text from payments group by order_id having count(*) <> max(number) or min(number) <> 1"),
        new("A payment belongs to an order", "select order_id::text from payments p where not exists (select from orders o where o.id = p.order_id)"),
        new("An order has at most one accepted payment",
            """
            select order_id::text from payments, jsonb_array_elements(captures::jsonb) c where captures is not null and (c->>'standing')::int = 0
            group by order_id having count(*) > 1
            """),
        new("An order is paid exactly when one payment is accepted",
            """
            select o.id::text from orders o left join lateral (
              select count(*) as n, max(p.number) as payment from payments p, jsonb_array_elements(p.captures::jsonb) c
              where p.order_id = o.id and p.captures is not null and (c->>'standing')::int = 0) a on true
            where case when o.status = 1 then a.n <> 1 or a.payment <> o.paid_by else a.n <> 0 end
            """),
        new("Every other money is being given back or an open question",
            """
            select p.order_id::text from payments p, jsonb_array_elements(p.captures::jsonb) c
            where p.captures is not null and (c->>'standing')::int <> 0
              and not exists (select from refunds r where r.order_id = p.order_id and r.payment = p.number and r.money_reference = c->>'reference'
                and r.status <> 4)
              and not exists (select from jsonb_array_elements(p.answers::jsonb) a where a->>'reference' = c->>'reference')
              and not exists (select from discrepancies d where d.order_id = p.order_id and d.payment = p.number and d.money_reference = c->>'reference'
                and d.resolved_at is null)
            """),
        new("Refunds not failed never exceed the money that they give back",
            """
            select r.order_id::text from refunds r where r.status <> 4 group by r.order_id, r.payment, r.money_reference, r.currency
            having sum(r.amount) > coalesce((
              select sum((c->>'amount')::bigint) from payments p, jsonb_array_elements(p.captures::jsonb) c
              where p.order_id = r.order_id and p.number = r.payment and p.captures is not null
                and c->>'reference' = r.money_reference and c->>'currency' = r.currency), 0)
            """),
        new("No success without the order's exact amount and currency",
            """
            select p.order_id::text from payments p, jsonb_array_elements(p.captures::jsonb) c
            where p.captures is not null and (c->>'standing')::int <> 3
              and ((c->>'amount')::bigint <> p.amount or c->>'currency' <> p.currency)
            union all
            select p.order_id::text from payments p join orders o on o.id = p.order_id where p.amount <> o.amount or p.currency <> o.currency
            """),
        new("No success without authenticated evidence that is kept",
            """
            select e.order_id::text from events e where e.type in (5, 10, 11, 12)
              and not exists (select from gateway_news n where n.event_id = e.data::jsonb->>'evidence')
              and not exists (select from gateway_calls c where c.order_id = e.order_id and c.raw_key = e.data::jsonb->>'evidence')
              and not exists (select from settlement_lines l where 'stl_' || l.file || ':' || l.number = e.data::jsonb->>'evidence')
            """),
        new("Events are numbered 1..n and end where their order stands",
            """
            select o.id::text from orders o left join (
              select order_id, count(*) as n, max(sequence) as last from events group by order_id) e on e.order_id = o.id
            where o.sequence <> coalesce(e.n, 0) or o.sequence <> coalesce(e.last, 0)
            union all
            select o.id::text from orders o join events e on e.order_id = o.id and e.sequence = o.sequence
            where e.data::jsonb->'order'->>'status' <> (array['awaiting_payment', 'paid', 'expired', 'cancelled'])[o.status + 1]
            """),
        new("Events end where their payments stand",
            $"""
            {Told}
            select p.order_id::text from payments p left join lateral (
              select t.payment->>'status' as status, t.payment->>'gateway' as account from told t
              where t.order_id = p.order_id and t.number = p.number order by t.sequence desc limit 1) l on true
            where l.status is distinct from (array['starting', 'pending', 'processing', 'unresolved', 'held', 'succeeded', 'failed', 'cancelled', 'expired'])[p.status + 1]
              or l.account is distinct from p.account
            union all
            select t.order_id::text from told t where not exists (select from payments p where p.order_id = t.order_id and p.number = t.number)
            """),
        new("Events tell of all money, and of no other",
            $"""
            {Told},
            latest as (select distinct on (order_id, number, data->>'money_reference')
              order_id, number, data->>'money_reference' as money, (data->>'amount')::bigint as amount, data->>'currency' as currency, type = 6 as denied
              from told where type in (5, 10, 11, 12) or (type = 6 and data->>'money_reference' is not null) order by order_id, number, data->>'money_reference', sequence desc),
            taken as (select order_id, number, money, amount, currency from latest where not denied),
            held as (select p.order_id, p.number, c->>'reference' as money, (c->>'amount')::bigint as amount, c->>'currency' as currency
              from payments p, jsonb_array_elements(p.captures::jsonb) c where p.captures is not null),
            asked as (select order_id, number, data->>'money_reference' as money, (data->>'amount')::bigint as amount, data->>'currency' as currency
              from told where type = 17),
            given as (select order_id, payment as number, money_reference as money, amount, currency from refunds)
            select coalesce(a.order_id, b.order_id)::text from taken a full join held b using (order_id, number, money, amount, currency)
            where a.order_id is null or b.order_id is null
            union all
            select coalesce(a.order_id, b.order_id)::text from asked a full join given b using (order_id, number, money, amount, currency)
            where a.order_id is null or b.order_id is null
            """),
        new("Events tell of every question, and its answer",
            $"""
            {Told},
            open_told as (select order_id, number, data->>'discrepancy' as kind, data->>'money_reference' as money
              from told where type in (23, 24) group by 1, 2, 3, 4 having count(*) filter (where type = 23) > count(*) filter (where type = 24)),
            open_kept as (select distinct order_id, payment as number, (array['amount_mismatch', 'link_mismatch', 'contradiction', 'duplicate', 'late', 'reversed',
              'unknown_word', 'refund_failed', 'refund_unasked', 'settled_otherwise', 'fee_mismatch', 'settled_twice', 'not_settled', 'mixed_up'])[kind + 1] as kind, money_reference as money from discrepancies where resolved_at is null)
            select coalesce(a.order_id, b.order_id)::text from open_told a full join open_kept b
              on a.order_id = b.order_id and a.number = b.number and a.kind = b.kind and coalesce(a.money, '') = coalesce(b.money, '')
            where a.order_id is null or b.order_id is null
            """),
        new("Postings of every event sum to zero per currency",
            "select order_id::text from postings group by order_id, sequence, currency having sum(amount) <> 0"),
        new("Postings of every row of a statement sum to zero per currency",
            "select account || '/' || row_key from settlement_postings group by account, row_key, currency having sum(amount) <> 0"),
        new("What was captured is what the books took in",
            """
            select o.id::text from orders o
            left join (select p.order_id, -sum(p.amount) as booked from postings p join events e on e.order_id = p.order_id and e.sequence = p.sequence
              where p.account in ('sales', 'suspense') and e.type in (5, 6, 10, 11, 12) group by p.order_id) b on b.order_id = o.id
            where o.captured <> coalesce(b.booked, 0)
              and not exists (select from payments m, jsonb_array_elements(m.captures::jsonb) c
                              where m.order_id = o.id and m.captures is not null and c->>'currency' <> o.currency)
              -- What was told anew of money that a statement has, or that went back before, moves what it had moved.
              and not exists (select from events n where n.order_id = o.id and n.type in (5, 10, 11, 12) and n.data::jsonb ?| array['settled', 'given_back_amount'])
            """),
        new("What went back by the books is what refunds gave back",
            """
            select coalesce(r.order_id, b.order_id)::text from (
              select order_id, sum(amount) as gone from refunds where status = 3 group by order_id) r
            full join (select p.order_id, sum(p.amount) as booked from postings p join events e on e.order_id = p.order_id and e.sequence = p.sequence
              where p.account in ('refunds', 'suspense') and e.type in (18, 19) group by p.order_id having sum(p.amount) <> 0) b using (order_id)
            where coalesce(r.gone, 0) <> coalesce(b.booked, 0)
            """),
        // Who hears of an event is said by the endpoints as they were when it was written. Of those it is kept only since when they are as they are: what was written in the
        // minutes around that is let be, and so is mail, of which what it is about decides. The latest alone, for the rest was looked at on its day.
        new("What happened in the last day has a delivery for every endpoint that asks for it",
            """
            select v.order_id::text from (
              select order_id, sequence, type, least(at, recorded_at) as at from events where recorded_at > now() - interval '1 day'
              order by recorded_at desc, order_id desc, sequence desc limit 100000) v
            join webhook_endpoints e on e.kind in (0, 3) and e.status < 2 and (e.types is null or v.type = any(e.types)) and v.at > e.updated_at + interval '5 minutes'
            where not exists (select from deliveries d where d.order_id = v.order_id and d.sequence = v.sequence and d.receiver = e.number)
            """),
        new("Invoices and credit notes are numbered 1..n within their series",
            """
            select coalesce(s.series, i.series) from invoice_series s full join (select series, count(*) as n, max(place) as last, min(place) as first from invoices group by series) i on i.series = s.series
            where s.series is null or coalesce(i.n, 0) + s.skipped <> s.last or (i.series is null and s.skipped = 0) or i.last > s.last or i.first < 1
            """),
        new("An invoice is of the accepted payment, and of its amount to the minor unit",
            """
            select i.order_id::text from invoices i left join orders o on o.id = i.order_id
            where i.kind = 0 and (o.id is null
              or ((o.status <> 1 or o.paid_by <> i.payment) and not exists (select from payments p where p.order_id = o.id and p.number = i.payment and p.denied is not null)) or o.amount <> i.total or o.currency <> i.currency)
            union all
            select order_id::text from invoices i where total <> (
              select sum((l->>'net')::bigint + (select coalesce(sum(t::bigint), 0) from jsonb_array_elements_text(l->'taxes') t)) from jsonb_array_elements(i.document::jsonb->'lines') l)
            """),
        new("What was paid since there is a seller has its invoice, or waits for it",
            """
            select d.order_id::text from deliveries d join webhook_endpoints e on e.number = d.receiver and e.kind = 3
            join events v on v.order_id = d.order_id and v.sequence = d.sequence and v.type = 13
            where d.state = 1 and not exists (select from invoices i where i.order_id = d.order_id and i.kind = 0)
              and exists (select from orders o where o.id = d.order_id and o.status = 1)
            """),
        new("What went back of invoiced money has its credit note, or waits for it, and no more was credited than invoiced",
            """
            select r.order_id::text from refunds r join invoices i on i.order_id = r.order_id and i.kind = 0 and i.payment = r.payment and i.currency = r.currency
            join payments p on p.order_id = r.order_id and p.number = r.payment
            where r.status = 3 and exists (select from jsonb_array_elements(p.captures::jsonb) c where (c->>'standing')::int = 0 and c->>'reference' = r.money_reference)
              and not exists (select from invoices n where n.order_id = r.order_id and n.refund = r.number and n.voided_at is null and n.total = r.amount)
              and not exists (select from deliveries d join webhook_endpoints e on e.number = d.receiver and e.kind = 3
                join events v on v.order_id = d.order_id and v.sequence = d.sequence and v.type in (18, 19) where d.order_id = r.order_id and d.state = 0)
            union all
            select i.order_id::text from invoices i where i.kind = 0
              and i.total < (select sum(n.total) from invoices n where n.order_id = i.order_id and n.kind = 1 and n.voided_at is null)
            """),
        new("An invoice counts while its order is paid, and is credited whole when the order was cancelled for denied money",
            """
            select i.order_id::text from invoices i join orders o on o.id = i.order_id
            where i.kind = 0 and (o.status = 3) <> exists (select from invoices n where n.order_id = i.order_id and n.kind = 1 and n.refund is null and n.voided_at is null)
              and not exists (select from deliveries d join webhook_endpoints e on e.number = d.receiver and e.kind = 3
                join events v on v.order_id = d.order_id and v.sequence = d.sequence and v.type in (13, 15) where d.order_id = i.order_id and d.state = 0)
            """),
        new("What is open has an alarm that rings",
            """
            select id::text from orders where (status = 0 and wake_at is null) or wake_at < clock_timestamp() - interval '5 minutes'
            union all
            select o.id::text from orders o where o.wake_at is null
              and exists (select from payments p where p.order_id = o.id and (p.status in (0, 1, 2, 3) or p.look_at is not null or (p.status in (4, 5) and p.contradicted and coalesce(p.discrepancy, 13) = 13)))
            union all
            select order_id::text from payments where look_at < clock_timestamp() - interval '5 minutes'
            union all
            select order_id::text from refunds where look_at < clock_timestamp() - interval '5 minutes'
            union all
            select id::text from orders where status = 0 and coalesce(closing_at, expires_at) < clock_timestamp() - interval '1 hour'
            """),
    ];

    /// <summary>The events about payments, with the number of the payment: the last part of its id.</summary>
    const string Told = """
        with told as (select order_id, sequence, type, d as data, d->'payment' as payment, split_part(d->'payment'->>'id', '_', 3)::int as number
          from events, lateral (select data::jsonb as d) x where d ? 'payment')
        """;

    public async Task<IReadOnlyList<Finding>> Check(CancellationToken stop)
    {
        var findings = new List<Finding>();
        foreach (var invariant in All)
        {
            await using var ask = database.CreateCommand($"select count(*) over (), x.* from ({invariant.Sql}) x (what) limit 5");
            ask.CommandTimeout = 300;
            await using var rows = await ask.ExecuteReaderAsync(stop);
            long count = 0;
            var examples = new List<string>();
            while (await rows.ReadAsync(stop))
            {
                count = rows.GetInt64(0);
                examples.Add(long.TryParse(rows.GetString(1), out var id) ? new OrderId(id).ToString() : rows.GetString(1));
            }
            findings.Add(new Finding(invariant.Name, count, examples));
        }
        return findings;
    }

    /// <summary>What waits for somebody: how many, and since when.</summary>
    public async Task<IReadOnlyList<(string What, long Count, DateTimeOffset? Oldest)>> Waiting(CancellationToken stop)
    {
        await using var ask = database.CreateCommand("""
            select 'payments unresolved', count(*), min(started_at) from payments where status = 3
            union all select 'payments held', count(*), min(started_at) from payments where status = 4
            union all select 'discrepancies open', count(*), min(opened_at) from discrepancies where resolved_at is null
            union all select 'gateway news quarantined', count(*), min(received_at) from gateway_news where verdict = 2
            union all select 'refunds requested and not sent', count(*), min(requested_at) from refunds where status = 0
            union all select 'webhooks given up', count(*), min(d.at) from deliveries d join webhook_endpoints e on e.number = d.receiver where d.state = 2 and e.kind = 0 and e.status < 2
            union all select 'mails given up', count(*), min(d.at) from deliveries d join webhook_endpoints e on e.number = d.receiver where d.state = 2 and e.kind in (1, 2)
            union all select 'invoices and credit notes given up (GET /v1/deliveries?status=dead&webhook_endpoint=invoices names their orders and says why)', count(*), min(d.at) from deliveries d join webhook_endpoints e on e.number = d.receiver where d.state = 2 and e.kind = 3
            union all select 'notices to operators that no mail server took', count(*), min(at) from operator_notices where state = 0 and failures > 0
            """);
        var waiting = new List<(string, long, DateTimeOffset?)>();
        await using var rows = await ask.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            waiting.Add((rows.GetString(0), rows.GetInt64(1), rows.IsDBNull(2) ? null : rows.GetFieldValue<DateTimeOffset>(2)));
        return waiting;
    }

    /// <summary>How far the database's clock is from ours; decisions use the database's.</summary>
    public async Task<TimeSpan> ClockDifference(TimeProvider time, CancellationToken stop)
    {
        await using var ask = database.CreateCommand("select clock_timestamp()");
        var before = time.GetUtcNow();
        var theirs = new DateTimeOffset((DateTime)(await ask.ExecuteScalarAsync(stop))!);
        return theirs - (before + ((time.GetUtcNow() - before) / 2));
    }
}
