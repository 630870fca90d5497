using System.Collections.Immutable;
using Npgsql;
using NpgsqlTypes;
using Purser.Ledger;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Mail;
using static NpgsqlTypes.NpgsqlDbType;
using CallRow = (Purser.OrderId Order, Purser.Server.Engine.CallRecord Call);
using CaptureRow = (string Account, Purser.Payments.Capture Money, Purser.OrderId Order, int Payment);
using EventRow = (Purser.Orders.OrderEvent Event, string Data, byte[] Hash, Purser.Server.Deliveries.ReceiverKind Mail);
using KeyRow = (Purser.Server.Engine.RequestKey Key, string Resource);
using NewOrderRow = (Purser.Orders.Order Order, Purser.Orders.OrderContent Content);
using NewsRow = (Purser.Server.Engine.GatewayNews News, Purser.OrderId? Order, Purser.Server.Engine.NewsVerdict Verdict, string? Reason);
using OrderRow = (Purser.Orders.Order Order, byte[] Hash, Purser.Orders.Order Was);
using PaymentRow = (Purser.OrderId Order, Purser.Payments.Payment P, Purser.Payments.Payment Was);
using RefundRow = (Purser.OrderId Order, Purser.Refunds.Refund R);

namespace Purser.Server.Engine;

/// <summary>The tables of an order: their columns, how rows become records and records rows.</summary>
static class OrderTableStore
{
    const string OrderColumns =
        "id, reference, amount, currency, description, customer_name, customer_email, customer_phone, late_policy, duplicate_policy, second_link, " +
        "status, late, paid_by, sequence, created_at, expires_at, closing_at, ended_at, fulfilled_at, wake_at, customer_country, failed_policy";

    const string PaymentColumns =
        "order_id, number, account, status, amount, currency, method, return_url, started_at, link_expires_at, asked_at, asks, refused_asks, " +
        "gateway_reference, link_url, link_fields, link_opened_at, processing_at, clear_at, decline, declined_at, captures, reversals, fee, tax, " +
        "reason, look_at, looked_at, absent_first_at, absent_last_at, cancel_asked, contradicted, dispute, discrepancy, routed, outside_refunds, answers, handed_at, back_at, open_until, heard_at, denied, disputes, reversed, ended_at, declined_try";

    public const string LockOrders = $"select {OrderColumns}, hash, xmin::text::bigint as version from orders where id = any($1) order by id for update";
    /// <summary>Of these orders, those whose rows somebody else has locked.</summary>
    public const string HeldOrders =
        "with free as (select id from orders where id = any($1) for update skip locked) select id from orders where id = any($1) and id not in (select id from free)";
    /// <summary>Locks orders, and fails by a division by zero when one is no longer of the version it was, or the reckoned time is none to write.</summary>
    public const string LockIf =
        "with still as (select o.id from orders o join unnest($1::bigint[], $2::bigint[], $3::bytea[]) g (id, version, hash) on o.id = g.id and o.xmin::text::bigint = g.version and o.hash = g.hash order by o.id for update of o) " +
        "select pg_current_xact_id()::text, 1 / (count(*) = cardinality($1) and clock_timestamp() - $4[1] between -$5[1] and $5[1])::integer from still";

    /// <summary>The same for one order.</summary>
    public const string LockOneIf =
        "with still as (select from orders where id = $1[1] and xmin::text::bigint = $2[1] and hash = $3[1] for update) " +
        "select pg_current_xact_id()::text, 1 / (count(*) = 1 and clock_timestamp() - $4[1] between -$5[1] and $5[1])::integer from still";

    /// <summary>The same for none.</summary>
    public const string IfInTime =
        "select pg_current_xact_id()::text, 1 / (clock_timestamp() - $1[1] between -$2[1] and $2[1])::integer";

    public const string LoadOrders = $"select {OrderColumns} from orders where id = any($1) order by id";
    public const string LoadPayments = $"select {PaymentColumns} from payments where order_id = any($1) order by order_id, number";

    /// <summary>Of the links and the money that are named for payments, those which another payment of the same account holds.</summary>
    public const string LoadHolders = """
        select h.account, false, h.gateway_reference, h.order_id, h.number
        from unnest($1::bigint[], $2::integer[], $3::text[]) u (order_id, number, reference)
        join payments p on p.order_id = u.order_id and p.number = u.number
        join payments h on h.gateway_reference = u.reference and h.account = p.account
        where (h.order_id, h.number) <> (p.order_id, p.number)
        union all
        select c.account, true, c.money_reference, c.order_id, c.payment
        from unnest($4::bigint[], $5::integer[], $6::text[]) u (order_id, number, reference)
        join payments p on p.order_id = u.order_id and p.number = u.number
        join captures c on c.account = p.account and c.money_reference = u.reference
        where (c.order_id, c.payment) <> (p.order_id, p.number)
        """;

    public static Order ReadOrder(NpgsqlDataReader r) => new()
    {
        Id = new OrderId(r.GetInt64(0)),
        Reference = Text(r, 1),
        Amount = new Money(r.GetInt64(2), Currency.Find(r.GetString(3))),
        Description = r.GetString(4),
        Customer = new Customer(Text(r, 5), Text(r, 6), Text(r, 7), Text(r, 21)),
        Policy = new OrderPolicy((LatePolicy)r.GetInt16(8), (DuplicatePolicy)r.GetInt16(9), r.GetBoolean(10), (FailedPolicy)r.GetInt16(22)),
        Status = (OrderStatus)r.GetInt16(11),
        Late = r.GetBoolean(12),
        PaidBy = r.IsDBNull(13) ? null : r.GetInt32(13),
        Sequence = r.GetInt32(14),
        CreatedAt = Time(r, 15),
        ExpiresAt = Time(r, 16),
        ClosingAt = TimeOrNull(r, 17),
        EndedAt = TimeOrNull(r, 18),
        FulfilledAt = TimeOrNull(r, 19),
        WakeAt = TimeOrNull(r, 20),
    };

    public static Payment ReadPayment(NpgsqlDataReader r)
    {
        var currency = Currency.Find(r.GetString(5));
        return new Payment
        {
            Number = r.GetInt32(1),
            Account = r.GetString(2),
            Status = (PaymentStatus)r.GetInt16(3),
            Amount = new Money(r.GetInt64(4), currency),
            Method = Text(r, 6),
            ReturnUrl = r.GetString(7),
            StartedAt = Time(r, 8),
            LinkExpiresAt = Time(r, 9),
            AskedAt = Time(r, 10),
            Asks = r.GetInt32(11),
            RefusedAsks = r.GetInt32(12),
            GatewayReference = Text(r, 13),
            Link = r.IsDBNull(14) ? null : RowJson.ReadLink(r.GetString(14), Text(r, 15)),
            LinkOpenedAt = TimeOrNull(r, 16),
            ProcessingAt = TimeOrNull(r, 17),
            ClearAt = TimeOrNull(r, 18),
            Decline = Text(r, 19),
            DeclinedAt = TimeOrNull(r, 20),
            Captures = r.IsDBNull(21) ? [] : RowJson.ReadCaptures(r.GetString(21)),
            Reversals = r.IsDBNull(22) ? [] : DisputeJson.Read(r.GetString(22), Text(r, 43), r.IsDBNull(21) ? [] : RowJson.ReadCaptures(r.GetString(21))),
            Fee = r.IsDBNull(23) ? null : r.GetInt64(23),
            Tax = r.IsDBNull(24) ? null : r.GetInt64(24),
            Reason = Text(r, 25),
            LookAt = TimeOrNull(r, 26),
            LookedAt = TimeOrNull(r, 27),
            AbsentFirstAt = TimeOrNull(r, 28),
            AbsentLastAt = TimeOrNull(r, 29),
            CancelAsked = r.GetBoolean(30),
            Contradicted = r.GetBoolean(31),
            Dispute = (DisputeState)r.GetInt16(32),
            Discrepancy = r.IsDBNull(33) ? null : (DiscrepancyKind)r.GetInt16(33),
            Routed = r.GetBoolean(34),
            OutsideRefunds = r.IsDBNull(35) ? [] : RowJson.ReadOutside(r.GetString(35)),
            Answers = r.IsDBNull(36) ? [] : RowJson.ReadAnswers(r.GetString(36)),
            HandedAt = TimeOrNull(r, 37),
            BackAt = TimeOrNull(r, 38),
            OpenUntil = TimeOrNull(r, 39),
            HeardAt = TimeOrNull(r, 40),
            Denied = r.IsDBNull(41) ? [] : RowJson.ReadDenied(r.GetString(41)),
            Disputes = r.IsDBNull(42) ? [] : DisputeJson.Read(r.GetString(42)),
            EndedAt = TimeOrNull(r, 44),
            DeclinedTry = Text(r, 45),
        };
    }

    internal static string? Text(NpgsqlDataReader r, int i) => r.IsDBNull(i) ? null : r.GetString(i);
    internal static DateTimeOffset Time(NpgsqlDataReader r, int i) => r.GetFieldValue<DateTimeOffset>(i);
    internal static DateTimeOffset? TimeOrNull(NpgsqlDataReader r, int i) => r.IsDBNull(i) ? null : r.GetFieldValue<DateTimeOffset>(i);

    // Rows out.

    static readonly Column<NewOrderRow>[] NewOrder =
    [
        Column.Of("id", Bigint, (NewOrderRow o) => o.Order.Id.Value),
        Column.Of("fingerprint", Bytea, (NewOrderRow o) => o.Content.Fingerprint.ToArray()),
        Column.Of("amount", Bigint, (NewOrderRow o) => o.Order.Amount.MinorUnits),
        Column.Of("currency", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Amount.Currency.Code),
        Column.Of("description", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Description),
        Column.Of("customer_name", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Customer.Name),
        Column.Of("customer_email", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Customer.Email),
        Column.Of("lines", NpgsqlDbType.Text, (NewOrderRow o) => RowJson.Write(o.Content.Lines)),
        Column.Of("metadata", NpgsqlDbType.Text, (NewOrderRow o) => RowJson.Write(o.Content.Metadata)),
        Column.Of("late_policy", Smallint, (NewOrderRow o) => (short)o.Order.Policy.Late),
        Column.Of("duplicate_policy", Smallint, (NewOrderRow o) => (short)o.Order.Policy.Duplicate),
        Column.Of("second_link", NpgsqlDbType.Boolean, (NewOrderRow o) => o.Order.Policy.AllowsSecondLink),
        Column.Of("created_at", TimestampTz, (NewOrderRow o) => o.Order.CreatedAt),
        Column.Of("expires_at", TimestampTz, (NewOrderRow o) => o.Order.ExpiresAt),
    ];

    /// <summary>What few orders have.</summary>
    static readonly Column<NewOrderRow>[] NewOrderMore =
    [
        Column.Of("reference", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Reference),
        Column.Of("customer_phone", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Customer.Phone),
        Column.Of("customer_country", NpgsqlDbType.Text, (NewOrderRow o) => o.Order.Customer.Country),
        Column.Of("user_id", NpgsqlDbType.Text, (NewOrderRow o) => o.Content.UserId),
        Column.Of("return_url", NpgsqlDbType.Text, (NewOrderRow o) => o.Content.ReturnUrl),
        Column.Of("locale", NpgsqlDbType.Text, (NewOrderRow o) => o.Content.Locale),
        Column.Of("billing", NpgsqlDbType.Text, (NewOrderRow o) => RowJson.Write(o.Content.Billing)),
        Column.Of("failed_policy", Smallint, (NewOrderRow o) => (short)o.Order.Policy.Failed),
    ];

    /// <summary>What every step changes.</summary>
    static readonly Column<Order>[] OrderStep =
    [
        Column.Of("sequence", Integer, (Order o) => o.Sequence),
        Column.Of("wake_at", TimestampTz, (Order o) => o.WakeAt),
    ];

    static readonly Column<Order>[] OrderEnd =
    [
        Column.Of("status", Smallint, (Order o) => (short)o.Status),
        Column.Of("late", NpgsqlDbType.Boolean, (Order o) => o.Late),
        Column.Of("paid_by", Integer, (Order o) => o.PaidBy),
        Column.Of("captured", Bigint, (Order o) => o.Captured.MinorUnits),
        Column.Of("ended_at", TimestampTz, (Order o) => o.EndedAt),
    ];

    static readonly Column<Order>[] OrderMore =
    [
        Column.Of("refunding", Bigint, (Order o) => o.Refunds.Where(r => r.Reserves).Sum(r => r.Amount.MinorUnits)),
        Column.Of("closing_at", TimestampTz, (Order o) => o.ClosingAt),
        Column.Of("fulfilled_at", TimestampTz, (Order o) => o.FulfilledAt),
    ];

    static readonly Column<EventRow>[] NewEvent =
    [
        Column.Of("order_id", Bigint, (EventRow e) => e.Event.Order.Value),
        Column.Of("sequence", Integer, (EventRow e) => e.Event.Sequence),
        Column.Of("type", Smallint, (EventRow e) => (short)e.Event.Type),
        Column.Of("at", TimestampTz, (EventRow e) => e.Event.At),
        Column.Of("data", NpgsqlDbType.Text, (EventRow e) => e.Data),
        Column.Of("hash", Bytea, (EventRow e) => e.Hash),
    ];

    static readonly Column<Posting>[] NewPosting =
    [
        Column.Of("order_id", Bigint, (Posting p) => p.Order.Value),
        Column.Of("sequence", Integer, (Posting p) => p.Sequence),
        Column.Of("line", Integer, (Posting p) => p.Line),
        Column.Of("account", NpgsqlDbType.Text, (Posting p) => p.Account),
        Column.Of("amount", Bigint, (Posting p) => p.Amount.MinorUnits),
        Column.Of("currency", NpgsqlDbType.Text, (Posting p) => p.Amount.Currency.Code),
    ];

    static readonly Column<OrderEvent>[] NewDiscrepancy =
    [
        Column.Of("order_id", Bigint, (OrderEvent e) => e.Order.Value),
        Column.Of("sequence", Integer, (OrderEvent e) => e.Sequence),
        Column.Of("payment", Integer, (OrderEvent e) => e.Payment!.Value),
        Column.Of("kind", Smallint, (OrderEvent e) => (short)e.Discrepancy!.Value),
        Column.Of("money_reference", NpgsqlDbType.Text, (OrderEvent e) => e.MoneyReference),
        Column.Of("amount", Bigint, (OrderEvent e) => e.Amount!.Value.MinorUnits),
        Column.Of("currency", NpgsqlDbType.Text, (OrderEvent e) => e.Amount!.Value.Currency.Code),
        Column.Of("opened_at", TimestampTz, (OrderEvent e) => e.At),
    ];

    static readonly Column<OrderEvent>[] EndOfDiscrepancy =
    [
        Column.Of("order_id", Bigint, (OrderEvent e) => e.Order.Value),
        Column.Of("payment", Integer, (OrderEvent e) => e.Payment!.Value),
        Column.Of("kind", Smallint, (OrderEvent e) => (short)e.Discrepancy!.Value),
        Column.Of("money_reference", NpgsqlDbType.Text, (OrderEvent e) => e.MoneyReference),
        Column.Of("sequence", Integer, (OrderEvent e) => e.Sequence),
        Column.Of("at", TimestampTz, (OrderEvent e) => e.At),
        Column.Of("resolution", NpgsqlDbType.Text, (OrderEvent e) => e.Reason),
    ];

    static readonly Column<NewsRow>[] NewNews =
    [
        Column.Of("account", NpgsqlDbType.Text, (NewsRow n) => n.News.Account),
        Column.Of("event_id", NpgsqlDbType.Text, (NewsRow n) => n.News.EventId),
        Column.Of("event_type", NpgsqlDbType.Text, (NewsRow n) => n.News.EventType),
        Column.Of("verdict", Smallint, (NewsRow n) => (short)n.Verdict),
        Column.Of("reason", NpgsqlDbType.Text, (NewsRow n) => n.Reason),
        Column.Of("order_id", Bigint, (NewsRow n) => n.Order?.Value),
        Column.Of("payment", Integer, (NewsRow n) => n.News.Payment),
        Column.Of("headers", NpgsqlDbType.Text, (NewsRow n) => n.News.Headers),
        Column.Of("body", Bytea, (NewsRow n) => n.News.Body),
    ];

    static readonly Column<CaptureRow>[] NewCapture =
    [
        Column.Of("account", NpgsqlDbType.Text, (CaptureRow c) => c.Account),
        Column.Of("money_reference", NpgsqlDbType.Text, (CaptureRow c) => c.Money.MoneyReference),
        Column.Of("order_id", Bigint, (CaptureRow c) => c.Order.Value),
        Column.Of("payment", Integer, (CaptureRow c) => c.Payment),
        Column.Of("due_on", NpgsqlDbType.Date, (CaptureRow c) => c.Money.Expected?.DueOn),
    ];

    static readonly Column<CaptureRow>[] SettledCapture =
    [
        Column.Of("account", NpgsqlDbType.Text, (CaptureRow c) => c.Account),
        Column.Of("money_reference", NpgsqlDbType.Text, (CaptureRow c) => c.Money.MoneyReference),
        // A row that names no day is dated by the day we saw it.
        Column.Of("settled_on", NpgsqlDbType.Date, (CaptureRow c) => c.Money.Settled!.On),
    ];

    static readonly Column<KeyRow>[] NewKey =
    [
        Column.Of("api_key_id", Integer, (KeyRow k) => k.Key.ApiKeyId),
        Column.Of("key", NpgsqlDbType.Text, (KeyRow k) => k.Key.Key),
        Column.Of("fingerprint", Bytea, (KeyRow k) => k.Key.Fingerprint),
        Column.Of("resource", NpgsqlDbType.Text, (KeyRow k) => k.Resource),
    ];

    static readonly Column<CallRow>[] NewCall =
    [
        Column.Of("order_id", Bigint, (CallRow c) => c.Order.Value),
        Column.Of("payment", Integer, (CallRow c) => c.Call.Payment),
        Column.Of("call", NpgsqlDbType.Text, (CallRow c) => c.Call.Call),
        Column.Of("raw_key", NpgsqlDbType.Text, (CallRow c) => c.Call.RawKey),
        Column.Of("account", NpgsqlDbType.Text, (CallRow c) => c.Call.Account),
        Column.Of("sent_at", TimestampTz, (CallRow c) => c.Call.SentAt),
        Column.Of("took_ms", Integer, (CallRow c) => c.Call.TookMs),
        Column.Of("outcome", NpgsqlDbType.Text, (CallRow c) => c.Call.Outcome),
        Column.Of("request", NpgsqlDbType.Text, (CallRow c) => c.Call.Request),
        Column.Of("answer", NpgsqlDbType.Text, (CallRow c) => c.Call.Answer),
    ];

    internal static readonly RowSet<(NewOrderRow New, byte[] Hash)> InsertOrders = RowSet.Insert("orders",
        [
            .. NewOrder.Select(c => c.From(((NewOrderRow New, byte[] Hash) o) => o.New)),
            .. OrderStep.Select(c => c.From(((NewOrderRow New, byte[] Hash) o) => o.New.Order)),
            Column.Of("status", Smallint, ((NewOrderRow New, byte[] Hash) o) => (short)o.New.Order.Status),
            Column.Of("hash", Bytea, ((NewOrderRow New, byte[] Hash) o) => o.Hash),
        ],
        [.. NewOrderMore.Select(c => c.From(((NewOrderRow New, byte[] Hash) o) => o.New))],
        [.. OrderEnd[1..].Concat(OrderMore).Select(c => c.From(((NewOrderRow New, byte[] Hash) o) => o.New.Order))]);
    static readonly RowSet<OrderRow> UpdateOrders = RowSet.Update("orders", [Column.Of("id", Bigint, (OrderRow o) => o.Order.Id.Value)], o => o with { Order = o.Was },
        [.. OrderStep.Select(c => c.From((OrderRow o) => o.Order)), Column.Of("hash", Bytea, (OrderRow o) => o.Hash)],
        [.. OrderEnd.Select(c => c.From((OrderRow o) => o.Order))], [.. OrderMore.Select(c => c.From((OrderRow o) => o.Order))]);
    static readonly RowSet<EventRow> InsertEvents = RowSet.Insert("events", NewEvent);
    /// <summary>Whoever wants to hear of it. PostgreSQL asks first whether there is anybody, and else does not unpack the events.</summary>
    static readonly RowSet<EventRow> InsertDeliveries = RowSet.Sql(
        "insert into deliveries (order_id, sequence, receiver, at, due_at) select u.order_id, u.sequence, e.number, u.at, case when e.kind = 1 then u.mail_at else u.at end from {rows} u " +
        "join webhook_endpoints e on case when e.kind in (0, 3) then e.types is null or u.type = any(e.types) else e.kind = u.mail end " +
        "where e.status < 2 and exists (select from webhook_endpoints)", [.. NewEvent[..4], Column.Of("mail", Smallint, (EventRow e) => (short)e.Mail), Column.Of("mail_at", TimestampTz, (EventRow e) => MailNews.When(e.Event))]);
    static readonly RowSet<Posting> InsertPostings = RowSet.Insert("postings", NewPosting);
    static readonly RowSet<OrderEvent> InsertDiscrepancies = RowSet.Insert("discrepancies", NewDiscrepancy);
    static readonly RowSet<OrderEvent> ResolveDiscrepancies = RowSet.Sql(
        "update discrepancies d set resolved_at = u.at, resolution = u.resolution from {rows} u where d.order_id = u.order_id " +
        "and d.payment = u.payment and d.kind = u.kind and d.money_reference is not distinct from u.money_reference and d.sequence < u.sequence and d.resolved_at is null", EndOfDiscrepancy);
    static readonly RowSet<NewsRow> PlaceNews = RowSet.Update("gateway_news", NewNews[..2], NewNews[3..7]);
    static readonly RowSet<NewsRow> InsertNews =
        RowSet.Insert("gateway_news", NewNews, "received_at", "clock_timestamp()");
    static readonly RowSet<CaptureRow> InsertCaptures = RowSet.Insert("captures", NewCapture);
    static readonly RowSet<CaptureRow> DeleteCaptures = RowSet.Sql(
        "delete from captures c using {rows} u where c.account = u.account and c.money_reference = u.money_reference", NewCapture[..2]);
    static readonly RowSet<CaptureRow> SettleCaptures = RowSet.Sql(
        "update captures c set settled_on = coalesce(u.settled_on, current_date) from {rows} u where c.account = u.account and c.money_reference = u.money_reference",
        SettledCapture);
    static readonly RowSet<KeyRow> InsertKeys = RowSet.Insert("request_keys", NewKey, "created_at", "clock_timestamp()");
    static readonly RowSet<CallRow> InsertCalls = RowSet.Insert("gateway_calls", NewCall);

    /// <param name="latest">The hash of each order's latest event, as it was loaded; the new events are chained to it.</param>
    public static void Write(NpgsqlBatch batch, BatchChanges changes, Dictionary<OrderId, byte[]> latest)
    {
        var events = new List<EventRow>(changes.Events.Count);
        var mail = new MailNews(changes);
        foreach (var e in changes.Events)
        {
            var data = EventJson.Data(e);
            events.Add((e, data, latest[e.Order] = EventChain.Next(latest.GetValueOrDefault(e.Order) ?? [], e.Order, e.Sequence, e.Type, e.At, data), mail.Whom(e)));
        }
        InsertOrders.Add(batch, [.. changes.Created.Select(c => (c, latest[c.Order.Id]))]);
        UpdateOrders.Add(batch, [.. changes.Changed.Select(c => (c.After, latest[c.After.Id], c.Before))]);
        var born = new List<PaymentRow>();
        var moved = new List<PaymentRow>();
        var refunds = new List<RefundRow>();
        var refundsMoved = new List<RefundRow>();
        var captures = new List<CaptureRow>();
        var settled = new List<CaptureRow>();
        var denied = new List<CaptureRow>();
        foreach (var (before, after) in changes.Changed.Concat(changes.Created.Select(c => (c.Order with { Payments = [], Refunds = [] }, c.Order))))
        {
            foreach (var p in after.Payments)
                if (p.Number > before.Payments.Length) born.Add((after.Id, p, p));
                else if (before.Payments[p.Number - 1] is var was && !p.Equals(was)) moved.Add((after.Id, p, was));
            foreach (var p in after.Payments)
            {
                var known = before.Payment(p.Number)?.Captures ?? [];
                foreach (var c in known)
                    if (!p.Captures.Any(k => k.MoneyReference == c.MoneyReference)) denied.Add((p.Account, c, after.Id, p.Number));
                foreach (var c in p.Captures)
                {
                    var was = known.FirstOrDefault(k => k.MoneyReference == c.MoneyReference);
                    if (was is null) captures.Add((p.Account, c, after.Id, p.Number));
                    if (c.Settled is not null && was?.Settled is null) settled.Add((p.Account, c, after.Id, p.Number));
                }
            }
            foreach (var r in after.Refunds)
                if (r.Number > before.Refunds.Length) refunds.Add((after.Id, r));
                else if (r != before.Refunds[r.Number - 1]) refundsMoved.Add((after.Id, r));
        }
        PaymentTableStore.Write(batch, born, moved);
        RefundTableStore.Write(batch, refunds, refundsMoved);
        InsertEvents.Add(batch, events);
        InsertDeliveries.Add(batch, events);
        InsertPostings.Add(batch, changes.Postings);
        InsertDiscrepancies.Add(batch, [.. changes.Events.Where(e => e.Type == EventType.DiscrepancyOpened)]);
        ResolveDiscrepancies.Add(batch, [.. changes.Events.Where(e => e.Type == EventType.DiscrepancyResolved)]);
        InsertNews.Add(batch, changes.News);
        PlaceNews.Add(batch, changes.Placed);
        DeleteCaptures.Add(batch, denied);
        InsertCaptures.Add(batch, captures);
        SettleCaptures.Add(batch, settled);
        InsertKeys.Add(batch, changes.Keys);
        InsertCalls.Add(batch, changes.Calls);
    }
}
