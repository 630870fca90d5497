using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Engine;
using Purser.Server.Settlement;

namespace Purser.Server.Reconciliation;

/// <summary>One side of what a row without an order means for the books.</summary>
public sealed record RowPosting(string RowKey, int Line, string LedgerAccount, Money Amount);

/// <summary>A row that a person must look at, and that belongs to no order or must not be applied to it.</summary>
/// <param name="RowKey">The row's name in the books: see <see cref="RowName"/>.</param>
public sealed record OpenedRow(string RowKey, SettlementClass Class, int Number, Money Amount, string Proposal)
{
    /// <summary>The key that the gateway gave a further row of that key; null of every other.</summary>
    public string? AgainOf { get; init; }
}

/// <summary>A question about a row that a later file has again.</summary>
/// <param name="PaidOut">Its file's rows are parts of payouts.</param>
/// <param name="Named">The line that had it again and named what it did not; null while none has.</param>
public sealed record AskedRow(long Id, long File, int Number, bool PaidOut, (long File, int Number)? Named);

/// <summary>What is known of the payment of a line that is acted on.</summary>
/// <param name="Account">The gateway account that took it.</param>
/// <param name="Money">The gateway's references of money it took.</param>
/// <param name="Refund">Our refund that a row about a refund names; 0 when it names none that we have.</param>
/// <param name="Refunds">All of the payment, by number, where the row is about a refund and names none. Rows of one payment share it.</param>
/// <param name="MoneyAt">When the latest of its money came.</param>
public sealed record PaymentNow(PaymentStatus Status, string[] Money, int Refund, IReadOnlyList<OursRefund> Refunds, DateTimeOffset? MoneyAt, string Account);

/// <summary>What acting on a file reads and writes beside the engine.</summary>
public sealed class ActStore(NpgsqlDataSource database) : IActStore
{
    public async Task<int> PolicyVersion(SettlementOptions options, CancellationToken stop)
    {
        var content = JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["theirs_paid"] = options.TheirsPaid,
            ["confirm_above"] = options.Confirm.ToString(),
            ["two_persons_above"] = options.TwoPersons.ToString(),
        }, SettlementJson.Default.DictionaryStringString);
        await using var connection = await database.OpenConnectionAsync(stop);
        if (await KnownPolicy(connection, content, stop) is { } known) return known;
        // In turn, and looked for once more in its turn: whoever meets a conflict has taken a number from the sequence for nothing.
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using (var turn = new NpgsqlCommand($"select pg_advisory_xact_lock({PolicyTurn})", connection)) await turn.ExecuteNonQueryAsync(stop);
        if (await KnownPolicy(connection, content, stop) is { } meanwhile) return meanwhile;
        await using var add = new NpgsqlCommand("insert into reconciliation_policies (content, since) values ($1, clock_timestamp()) on conflict (content) do nothing returning version", connection);
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = content });
        // Nobody of ours: an older program, which takes no turn.
        var version = await add.ExecuteScalarAsync(stop) is int fresh ? fresh : (await KnownPolicy(connection, content, stop))!.Value;
        await DecisionStore.Policy(connection, version, stop);
        await transaction.CommitAsync(stop);
        return version;
    }

    /// <summary>Whoever numbers a policy holds this to the end of its commit.</summary>
    const long PolicyTurn = 262469;

    static async Task<int?> KnownPolicy(NpgsqlConnection connection, string content, CancellationToken stop)
    {
        await using var ask = new NpgsqlCommand("select version from reconciliation_policies where content = $1", connection);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = content });
        return await ask.ExecuteScalarAsync(stop) is int version ? version : null;
    }

    public Task<DryRunPreview> Preview(SettlementFile file, SettlementOptions options, Func<DateOnly, DateOnly?> refundDue, DateOnly until, CancellationToken stop) =>
        PreviewStore.Of(database, file, options, refundDue, until, stop);

    public async Task<Dictionary<int, PaymentNow>> Payments(IReadOnlyList<StoredLine> lines, CancellationToken stop)
    {
        var about = lines.Where(l => l.Payment is not null || l.Line.Refund is not null).ToList();
        // However many rows are about refunds of one payment, its refunds are read once: with the first of them.
        var refunds = new Dictionary<PaymentId, List<OursRefund>>();
        bool[] lists = [.. about.Select(l => OfWhich(l) is { } payment && refunds.TryAdd(payment, []))];
        var named = about.ToDictionary(l => l.Number, OfWhich);
        var ask = new NpgsqlBatchCommand("""
            select x.line, p.status, array(select c->>'reference' from jsonb_array_elements(coalesce(p.captures, '[]')::jsonb) c),
                coalesce(r.number, 0), (select max((c->>'at')::timestamptz) from jsonb_array_elements(coalesce(p.captures, '[]')::jsonb) c),
                o.number, o.amount, o.currency, o.status, o.requested_at, o.refund_reference, o.settled::jsonb->'settled'->>'row', o.returned::jsonb->'settled'->>'row',
                o.money_reference, o.asks, o.unsent_asks, p.account
            from unnest($1::int[], $2::bigint[], $3::int[], $4::int[], $5::boolean[]) x (line, order_id, payment, refund, lists)
            left join refunds r on x.refund > 0 and r.order_id = x.order_id and r.number = x.refund
            join payments p on p.order_id = x.order_id and p.number = coalesce(nullif(x.payment, 0), r.payment)
            left join refunds o on x.lists and o.order_id = p.order_id and o.payment = p.number
            order by x.line, o.number
            """);
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. about.Select(l => l.Number)] });
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. about.Select(l => (l.Payment?.Order ?? l.Line.Refund!.Value.Order).Value)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. about.Select(l => l.Payment?.Number ?? 0)] });
        ask.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. about.Select(l => l.Line.Refund?.Number ?? 0)] });
        ask.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = lists });
        var found = new Dictionary<int, PaymentNow>();
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
        {
            // A row for each refund, or one when there is none.
            var line = rows.GetInt32(0);
            List<OursRefund> ours = named[line] is { } payment ? refunds[payment] : [];
            if (!found.ContainsKey(line))
                found.Add(line, new PaymentNow((PaymentStatus)rows.GetInt16(1), rows.GetFieldValue<string[]>(2), rows.GetInt32(3), ours, rows.IsDBNull(4) ? null : rows.GetFieldValue<DateTimeOffset>(4), rows.GetString(16)));
            if (!rows.IsDBNull(5)) ours.Add(Refund(rows));
        }
        return found;

        static PaymentId? OfWhich(StoredLine line) => line.Line is { Kind: SettlementKind.Refund or SettlementKind.RefundReturned, Refund: null } ? line.Payment : null;

        static OursRefund Refund(NpgsqlDataReader row)
        {
            var (status, reference) = ((RefundStatus)row.GetInt16(8), Text(row, 10));
            return new(row.GetInt32(5), new Money(row.GetInt64(6), Currency.Find(row.GetString(7))), status, row.GetFieldValue<DateTimeOffset>(9))
            {
                Reference = reference,
                RowKey = Text(row, 11),
                ReturnedRow = Text(row, 12),
                Money = Text(row, 13),
                NeverLeft = Purser.Refunds.Refund.HasNeverLeft(status, reference, row.GetInt32(14), row.GetInt32(15)),
            };
        }

        static string? Text(NpgsqlDataReader row, int at) => row.IsDBNull(at) ? null : row.GetString(at);
    }

    public async Task Write(SettlementFile file, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop)
    {
        if (postings.Count + opened.Count == 0) return;
        var changed = opened.Where(o => o.Class == SettlementClass.Changed).ToList();
        var others = changed.Select(o => RowName.Of(o.RowKey, o.Class)).ToHashSet();
        var alone = postings.Where(p => !others.Contains(p.RowKey)).ToList();
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // A row that a person decides about is held by its question.
        if (file.Worker is not null) await SettlementFileStore.Hold(connection, file, stop);
        await using var write = new NpgsqlBatch(connection, transaction);
        write.BatchCommands.Add(new NpgsqlBatchCommand(KeyLookup.Plan));
        // The sides of one row are posted together or not at all: the first side decides for all.
        var post = new NpgsqlBatchCommand("""
            insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at)
            select $1, x.row_key, x.line, x.ledger_account, x.amount, x.currency, $2, statement_timestamp()
            from unnest($3::text[], $4::int[], $5::text[], $6::bigint[], $7::text[]) x (row_key, line, ledger_account, amount, currency)
            where not exists (select 1 from settlement_postings before where before.account = $1 and before.row_key = x.row_key)
            on conflict do nothing
            """);
        post.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        post.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alone.Select(p => p.RowKey)] });
        post.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. alone.Select(p => p.Line)] });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alone.Select(p => p.LedgerAccount)] });
        post.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. alone.Select(p => p.Amount.MinorUnits)] });
        post.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. alone.Select(p => p.Amount.Currency.Code)] });
        write.BatchCommands.Add(post);
        write.BatchCommands.Add(Open(file, opened));
        await write.ExecuteNonQueryAsync(stop);
        foreach (var row in changed) await Correct(connection, file, row, [.. postings.Where(p => p.RowKey == RowName.Of(row.RowKey, row.Class))], stop);
        await using var decide = new NpgsqlBatch(connection, transaction);
        if (opened.Count > 0) decide.BatchCommands.Add(DecisionStore.Opened(file.Account, [.. opened.Select(o => o.RowKey)]));
        decide.BatchCommands.Add(DecisionStore.Posted(file.Account, [.. postings.Select(p => p.RowKey).Concat(others).Distinct()]));
        await decide.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
    }

    /// <summary>What a row says otherwise than the first of its name takes the place of what an earlier one said otherwise, while it is asked about and nobody decides.</summary>
    static async Task Correct(NpgsqlConnection connection, SettlementFile file, OpenedRow row, IReadOnlyList<RowPosting> sides, CancellationToken stop)
    {
        await using var hold = new NpgsqlCommand("""
            update settlement_discrepancies set booked = true where account = $1 and row_key = $2 and class = $3 and file = $4 and number = $5 and resolved_at is null and decided_at is null
            """, connection);
        hold.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        hold.Parameters.Add(new NpgsqlParameter<string> { TypedValue = row.RowKey });
        hold.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)row.Class });
        hold.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        hold.Parameters.Add(new NpgsqlParameter<int> { TypedValue = row.Number });
        if (await hold.ExecuteNonQueryAsync(stop) == 1) await RowPostingStore.Restate(connection, file.Account, RowName.Of(row.RowKey, row.Class), file.Id, sides, stop);
    }

    public Task<Dictionary<string, AskedRow>> Asked(SettlementFile file, IReadOnlyList<string> rowKeys, CancellationToken stop) => NamedRowStore.Asked(database, file, rowKeys, stop);

    public Task Name(AskedRow asked, SettlementFile file, OpenedRow now, CancellationToken stop) => NamedRowStore.Name(database, asked, file, now, stop);

    public async Task Rewrite(SettlementFile file, string rowKey, IReadOnlyList<RowPosting> postings, IReadOnlyList<OpenedRow> opened, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        await using (var hold = new NpgsqlCommand("select count(*) from (select from settlement_discrepancies where account = $1 and row_key = $2 for update) held", connection, transaction))
        {
            hold.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
            hold.Parameters.Add(new NpgsqlParameter<string> { TypedValue = rowKey });
            await hold.ExecuteScalarAsync(stop);
        }
        await RowPostingStore.Restate(connection, file.Account, rowKey, file.Id, postings, stop);
        await using var open = new NpgsqlBatch(connection, transaction);
        open.BatchCommands.Add(Open(file, opened));
        if (opened.Count > 0) open.BatchCommands.Add(DecisionStore.Opened(file.Account, [.. opened.Select(o => o.RowKey)]));
        open.BatchCommands.Add(DecisionStore.Posted(file.Account, [rowKey]));
        await open.ExecuteNonQueryAsync(stop);
        await transaction.CommitAsync(stop);
    }

    static NpgsqlBatchCommand Open(SettlementFile file, IReadOnlyList<OpenedRow> opened)
    {
        // Operators hear of the file by mail, once and where there is mail: these questions are no event of an order. It counts from the begin of this commit.
        var open = new NpgsqlBatchCommand($"""
            with news as (
                select distinct on (x.row_key, x.class) x.* from unnest($3::text[], $4::smallint[], $5::int[], $6::bigint[], $7::text[], $8::text[], $9::text[]) x (row_key, class, number, amount, currency, proposal, again_of)
                order by x.row_key, x.class, x.number),
            before as (
                select d.* from settlement_discrepancies d join news x on x.row_key = d.row_key and x.class = d.class
                where d.account = $1 and d.class = {AskedAnew} and {TurnOf("d.file")} < {TurnOf("$2")} for update of d),
            kept as (
                insert into audit_log (at, by_whom, action, subject, reason, detail, policy)
                select clock_timestamp(), 'purser', 'reopen', 'dis_row_' || id, format('stl_%s has the row once more.', $2::bigint),
                    json_build_object('amount', amount, 'currency', currency, 'line', format('%s of stl_%s', number, file))::text, null
                from before where resolved_at is not null returning 1),
            opened as (
                insert into settlement_discrepancies as d (account, row_key, class, file, number, amount, currency, again_of, proposal, opened_at)
                select $1, x.row_key, x.class, $2, x.number, x.amount, x.currency, x.again_of,
                    x.proposal || coalesce((select format('; line %s of stl_%s was %s', b.number, b.file, case when b.resolved_at is null then 'asked about before and not answered' else 'answered before' end)
                        from before b where b.row_key = x.row_key and b.class = x.class), '') || coalesce((select format('; of %s further rows of that key in earlier files %s were accepted', count(*), count(*) filter (where f.resolution = 'accept' and f.resolved_at is not null))
                        from (
                            select file, resolution, resolved_at from settlement_discrepancies where account = $1 and again_of = x.again_of and class = {(int)SettlementClass.DuplicateLine}
                            union all
                            select file, resolution, resolved_at from settlement_discrepancies where account = $1 and row_key = x.again_of and class = {(int)SettlementClass.DuplicateLine}) f
                        where f.file <> $2 having count(*) > 0), ''), clock_timestamp()
                from news x
                on conflict (account, row_key, class) do update set file = excluded.file, number = excluded.number, amount = excluded.amount, currency = excluded.currency,
                    proposal = excluded.proposal, opened_at = excluded.opened_at, resolved_at = null, resolution = null, reason = null, by_first = null, by_second = null, key_first = null, key_second = null, policy = null, decided_at = null
                where d.class = {AskedAnew} and {TurnOf("d.file")} < {TurnOf("excluded.file")}
                returning 1)
            insert into operator_notices (kind, file, since, at, due_at) select 3, $2, now(), now(), now()
            where exists (select from opened) and exists (select from webhook_endpoints where kind = 2 and status = 0) on conflict do nothing
            """);
        open.Parameters.Add(new NpgsqlParameter<string> { TypedValue = file.Account });
        open.Parameters.Add(new NpgsqlParameter<long> { TypedValue = file.Id });
        open.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. opened.Select(o => o.RowKey)] });
        open.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. opened.Select(o => (short)o.Class)] });
        open.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. opened.Select(o => o.Number)] });
        open.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. opened.Select(o => o.Amount.MinorUnits)] });
        open.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. opened.Select(o => o.Amount.Currency.Code)] });
        open.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. opened.Select(o => o.Proposal)] });
        open.Parameters.Add(new NpgsqlParameter { Value = opened.Select(o => o.AgainOf).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        return open;
    }

    /// <summary>When a file's turn to be applied came, among the account's files; an older program numbered them as they came in.</summary>
    static string TurnOf(string file) => $"(select coalesce(t.turn, t.id) from settlement_files t where t.id = {file})";

    public async Task<IReadOnlyList<long>> Unanswered(bool closed, long after, int most, CancellationToken stop)
    {
        var ask = new NpgsqlBatchCommand($"""
            select id from settlement_discrepancies where {(closed ? "resolved_at is not null and not final" : "resolved_at is null and decided_at is null")} and id > $1 and class = any ($3) order by id limit $2
            """);
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. AnsweredByMoney.Select(what => (short)what)] });
        var found = new List<long>();
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop)) found.Add(rows.GetInt64(0));
        return found;
    }

    public async Task<IReadOnlyList<AnsweredRow>> Answered(IReadOnlyList<long> questions, CancellationToken stop)
    {
        // Without a name for the money, a row can only be about the one capture of its payment, if that has its amount.
        var ask = new NpgsqlBatchCommand("""
            select d.id, d.file, d.number, coalesce(c.order_id, sole.order_id, back.order_id), coalesce(c.payment, sole.number, back.payment), told.sequence, told.source,
                c.order_id is null and sole.order_id is not null, d.named_file, d.named_number
            from settlement_discrepancies d
            join settlement_lines l on l.file = d.file and l.number = d.number
            left join settlement_lines n on n.file = d.named_file and n.number = d.named_number
            left join captures c on c.account = d.account and c.money_reference = coalesce(l.money_reference, n.money_reference)
            left join lateral (
                select p.order_id, p.number, p.captures::jsonb->0->>'reference' as money from payments p
                where coalesce(l.money_reference, n.money_reference) is null and l.kind = $3 and p.order_id = coalesce(l.order_id, n.order_id) and p.number = coalesce(l.payment, n.payment) and p.account = d.account and jsonb_array_length(p.captures::jsonb) = 1
                    and (p.captures::jsonb->0->>'amount')::bigint = l.amount and p.captures::jsonb->0->>'currency' = l.currency
                    and coalesce(p.captures::jsonb->0->'settled'->>'row', l.row_key) = l.row_key
            ) sole on true
            left join lateral (
                select e.sequence, e.data::jsonb->>'source' as source from events e
                where e.order_id = coalesce(c.order_id, sole.order_id) and e.type = any ($4) and e.data::jsonb->>'money_reference' = coalesce(c.money_reference, sole.money)
                    and e.data::jsonb->>'source' = any ($6)
                order by e.sequence desc limit 1
            ) told on true
            left join lateral (
                select p.order_id, p.number as payment from payments p where (l.kind in ($5, $8) or d.class = $9) and p.order_id = l.order_id and p.number = l.payment and p.account = d.account
            ) back on true
            where d.id = any ($1) and d.again_of is null and d.class = any ($2) and (d.class <> $9 or (l.kind in ($10, $11) and d.resolved_at is not null)) and (d.resolved_at is null or (not d.final
                    and ((l.kind not in ($5, $8) and d.class <> $9) or d.class = $7 or exists (select from events e where e.order_id = coalesce(l.order_id, n.order_id, c.order_id) and e.at > d.resolved_at - case when d.resolved_at > now() - interval '1 day' then interval '1 day' else interval '0' end))))
                and coalesce(c.order_id, sole.order_id, back.order_id) is not null and (l.kind <> $3 or told.sequence is not null)
            order by d.id
            """);
        ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. questions] });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. AnsweredByMoney.Select(what => (short)what)] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.Payment });
        ask.Parameters.Add(new NpgsqlParameter<short[]> { TypedValue = [.. TellsOfMoney.Select(type => (short)type)] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.Refund });
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. GatewaysOwn.Select(source => EventNames.Snake(source.ToString()))] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementClass.UnknownOrder });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.RefundReturned });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementClass.NotApplied });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.Dispute });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)SettlementKind.DisputeReturned });
        var found = new List<AnsweredRow>();
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new AnsweredRow(
                rows.GetInt64(0), rows.GetInt64(1), rows.GetInt32(2), new PaymentId(new OrderId(rows.GetInt64(3)), rows.GetInt32(4)),
                rows.IsDBNull(5) ? null : (rows.GetInt32(5), rows.IsDBNull(6) ? "" : rows.GetString(6)), rows.GetBoolean(7))
            { Named = rows.IsDBNull(8) ? null : (rows.GetInt64(8), rows.GetInt32(9)) });
        return found;
    }

    /// <summary>A question that a later file with the same row asks anew, whatever was answered about the earlier one: what it says is another thing each time.</summary>
    const int AskedAnew = (int)SettlementClass.Changed;

    /// <summary>Questions that knowing the money, or which refund or dispute it was, answers; of rows that could not be applied those of disputes that a person closed.</summary>
    public static readonly SettlementClass[] AnsweredByMoney = [SettlementClass.TheirsPaid, SettlementClass.UnknownOrder, SettlementClass.Refund, SettlementClass.RefundUnasked, SettlementClass.NotApplied];

    /// <summary>Where the gateway speaks for itself; another row of a statement and a person's belief answer nothing.</summary>
    public static readonly EvidenceSource[] GatewaysOwn = [EvidenceSource.Reply, EvidenceSource.Inquiry, EvidenceSource.Webhook];

    /// <summary>Events by which money becomes known.</summary>
    public static readonly EventType[] TellsOfMoney = [EventType.PaymentSucceeded, EventType.PaymentLate, EventType.PaymentDuplicate, EventType.PaymentAmountMismatch];

    public Task<IAsyncDisposable?> TakeTurn(CancellationToken stop) => TurnStore.Take(database, TurnKey, stop);

    const long TurnKey = 262468;

    /// <summary>Looks at the postings of that row alone, however many rows have posted.</summary>
    internal const string Closing = """
        with closed as (
            update settlement_discrepancies set resolved_at = clock_timestamp(), resolution = $2, by_first = null, by_second = null, key_first = null, key_second = null, decided_at = null, final = true,
                reason = $3 || case when resolved_at is null and decided_at is null then '' else format(' Before, %s answered %s: %s', concat_ws(' and ', by_first, by_second), resolution, reason) end
            where id = $1 and (resolved_at is null or not final) and (resolved_at is not null or decided_at is null) returning account, row_key, file),
        taken_back as (
            insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at)
            select p.account, p.row_key, max(p.last) + row_number() over (order by p.ledger_account, p.currency), p.ledger_account, -sum(p.amount)::bigint, p.currency, c.file, statement_timestamp()
            from closed c cross join lateral (
                select s.*, max(s.line) over () as last from settlement_postings s where s.account = c.account and s.row_key = c.row_key) p
            group by p.account, p.row_key, p.ledger_account, p.currency, c.file having sum(p.amount) <> 0
            returning 1)
        select count(*) from closed
        """;

    public async Task<bool> Confirm(long question, string resolution, string why, IReadOnlyList<RowPosting> stands, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        // A person who closes it in this moment is waited for, so that what the answer posted is seen below.
        var (account, file, rowKey) = ("", 0L, "");
        await using (var hold = new NpgsqlCommand("select account, file, row_key from settlement_discrepancies where id = $1 for update", connection, transaction))
        {
            hold.Parameters.Add(new NpgsqlParameter<long> { TypedValue = question });
            await using var held = await hold.ExecuteReaderAsync(stop);
            if (await held.ReadAsync(stop)) (account, file, rowKey) = (held.GetString(0), held.GetInt64(1), held.GetString(2));
        }
        await using var confirm = new NpgsqlCommand(Closing, connection, transaction);
        confirm.Parameters.Add(new NpgsqlParameter<long> { TypedValue = question });
        confirm.Parameters.Add(new NpgsqlParameter<string> { TypedValue = resolution });
        confirm.Parameters.Add(new NpgsqlParameter<string> { TypedValue = why });
        var closed = await confirm.ExecuteScalarAsync(stop) is 1L;
        if (closed && stands is [var first, ..]) await RowPostingStore.Restate(connection, account, first.RowKey, file, stands, stop);
        if (closed) await DecisionStore.Question(connection, question, stop);
        if (closed) await RowPostingStore.Keep(connection, account, rowKey, stop);
        await transaction.CommitAsync(stop);
        return closed;
    }

    public async Task<IReadOnlyList<UnsettledRefund>> UnsettledRefunds(string? account, DateOnly before, RefundId? after, int most, CancellationToken stop)
    {
        // The unsettled are found by their own index, and not looked for where no file could have them: a file that names the day of a payout to come covers no day after its own.
        var ask = new NpgsqlBatchCommand("""
            with covered as (select account, max(least(covers_to, (received_at at time zone 'utc')::date)) as day from settlement_files where state = $6 and not dry_run and covers_to is not null and ($1::text is null or account = $1) group by account)
            select r.order_id, r.number, p.account, r.amount, r.currency, r.done_at, c.day
            from refunds r join payments p on p.order_id = r.order_id and p.number = r.payment join covered c on c.account = p.account
            where r.status = 3 and r.settled is null and not r.not_settled and r.done_at < $2 and r.done_at < c.day + 1
                and exists (select from covered) and (r.order_id, r.number) > ($3, $4)
            order by r.order_id, r.number limit $5
            """);
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = before.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) });
        ask.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after?.Order.Value ?? long.MinValue });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Number ?? 0 });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)FileState.Done });
        var found = new List<UnsettledRefund>();
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
            found.Add(new UnsettledRefund(new RefundId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1)), rows.GetString(2),
                new Money(rows.GetInt64(3), Currency.Find(rows.GetString(4))), rows.GetFieldValue<DateTimeOffset>(5), rows.GetFieldValue<DateOnly>(6)));
        return found;
    }

    public async Task<IReadOnlyList<(PaymentId Payment, string MoneyReference, string Account, DateOnly DueOn)>> Overdue(
        string? account, DateOnly from, DateOnly before, IReadOnlyCollection<string> unstated, (string Account, string Money)? after, int most, CancellationToken stop)
    {
        // The due are found first, by their own index: in the order of their names it would be all captures of the account.
        var ask = new NpgsqlBatchCommand("""
            with silent as (select u.account from unnest($7::text[]) u (account)
                where not exists (select from settlement_files f where f.account = u.account and f.state = $8 and not f.dry_run)),
            due as materialized (
                select order_id, payment, money_reference, account, due_on from captures
                where due_on >= $6 and due_on < $2 and due_on is not null and settled_on is null and ($1::text is null or account = $1) and account not in (select account from silent)
                    and not exists (select from discrepancies d where d.order_id = captures.order_id and d.payment = captures.payment and d.kind = $9 and d.money_reference = captures.money_reference and d.resolved_at is null))
            select order_id, payment, money_reference, account, due_on from due where $3::text is null or (account, money_reference) > ($3, $4)
            order by account, money_reference limit $5
            """);
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = before });
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.Account ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter { Value = (object?)after?.Money ?? "", NpgsqlDbType = NpgsqlDbType.Text });
        ask.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        ask.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = from });
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. unstated] });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)FileState.Done });
        ask.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)DiscrepancyKind.NotSettled });
        var found = new List<(PaymentId, string, string, DateOnly)>();
        await using var lookUp = KeyLookup.Of(database, ask);
        await using var rows = await lookUp.Rows(stop);
        while (await rows.ReadAsync(stop))
            found.Add((new PaymentId(new OrderId(rows.GetInt64(0)), rows.GetInt32(1)), rows.GetString(2), rows.GetString(3), rows.GetFieldValue<DateOnly>(4)));
        return found;
    }
}
