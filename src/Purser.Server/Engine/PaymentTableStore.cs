using Npgsql;
using NpgsqlTypes;
using Purser.Payments;
using static NpgsqlTypes.NpgsqlDbType;
using PaymentRow = (Purser.OrderId Order, Purser.Payments.Payment P, Purser.Payments.Payment Was);

namespace Purser.Server.Engine;

/// <summary>The table of payments: how records become rows.</summary>
static class PaymentTableStore
{
    static readonly Column<PaymentRow>[] PaymentKey =
    [
        Column.Of("order_id", Bigint, (PaymentRow p) => p.Order.Value),
        Column.Of("number", Integer, (PaymentRow p) => p.P.Number),
    ];

    static readonly Column<PaymentRow>[] PaymentBirth =
    [
        Column.Of("account", NpgsqlDbType.Text, (PaymentRow p) => p.P.Account),
        Column.Of("amount", Bigint, (PaymentRow p) => p.P.Amount.MinorUnits),
        Column.Of("currency", NpgsqlDbType.Text, (PaymentRow p) => p.P.Amount.Currency.Code),
        Column.Of("return_url", NpgsqlDbType.Text, (PaymentRow p) => p.P.ReturnUrl),
        Column.Of("routed", NpgsqlDbType.Boolean, (PaymentRow p) => p.P.Routed),
        Column.Of("started_at", TimestampTz, (PaymentRow p) => p.P.StartedAt),
        Column.Of("link_expires_at", TimestampTz, (PaymentRow p) => p.P.LinkExpiresAt),
    ];

    /// <summary>What nearly every step changes.</summary>
    static readonly Column<PaymentRow>[] PaymentStep =
    [
        Column.Of("status", Smallint, (PaymentRow p) => (short)p.P.Status),
        Column.Of("look_at", TimestampTz, (PaymentRow p) => p.P.LookAt),
    ];

    static readonly Column<PaymentRow>[] PaymentAsk =
    [
        Column.Of("asked_at", TimestampTz, (PaymentRow p) => p.P.AskedAt),
        Column.Of("asks", Integer, (PaymentRow p) => p.P.Asks),
        Column.Of("refused_asks", Integer, (PaymentRow p) => p.P.RefusedAsks),
    ];

    static readonly Column<PaymentRow>[] PaymentLinked =
    [
        Column.Of("gateway_reference", NpgsqlDbType.Text, (PaymentRow p) => p.P.GatewayReference),
        Column.Of("link_url", NpgsqlDbType.Text, (PaymentRow p) => p.P.Link switch { PaymentLink.Redirect l => l.Url, PaymentLink.Form l => l.Url, _ => null }),
        Column.Of("link_opened_at", TimestampTz, (PaymentRow p) => p.P.LinkOpenedAt),
        Column.Of("open_until", TimestampTz, (PaymentRow p) => p.P.OpenUntil),
    ];

    static readonly Column<PaymentRow>[] PaymentMoney =
    [
        Column.Of("method", NpgsqlDbType.Text, (PaymentRow p) => p.P.Method),
        Column.Of("captures", NpgsqlDbType.Text, (PaymentRow p) => p.P.Captures.IsEmpty ? null : RowJson.Write(p.P.Captures)),
        Column.Of("fee", Bigint, (PaymentRow p) => p.P.Fee),
        Column.Of("tax", Bigint, (PaymentRow p) => p.P.Tax),
        Column.Of("heard_at", TimestampTz, (PaymentRow p) => p.P.HeardAt),
    ];

    /// <summary>What has no default in the database.</summary>
    static readonly Column<PaymentRow>[] PaymentFlags =
    [
        Column.Of("cancel_asked", NpgsqlDbType.Boolean, (PaymentRow p) => p.P.CancelAsked),
        Column.Of("contradicted", NpgsqlDbType.Boolean, (PaymentRow p) => p.P.Contradicted),
        Column.Of("dispute", Smallint, (PaymentRow p) => (short)p.P.Dispute),
    ];

    /// <summary>What few payments have.</summary>
    static readonly Column<PaymentRow>[] PaymentMore =
    [
        Column.Of("link_fields", NpgsqlDbType.Text, (PaymentRow p) => p.P.Link is PaymentLink.Form form ? RowJson.Write(form.Fields) : null),
        Column.Of("handed_at", TimestampTz, (PaymentRow p) => p.P.HandedAt),
        Column.Of("back_at", TimestampTz, (PaymentRow p) => p.P.BackAt),
        Column.Of("processing_at", TimestampTz, (PaymentRow p) => p.P.ProcessingAt),
        Column.Of("clear_at", TimestampTz, (PaymentRow p) => p.P.ClearAt),
        Column.Of("decline", NpgsqlDbType.Text, (PaymentRow p) => p.P.Decline),
        Column.Of("declined_at", TimestampTz, (PaymentRow p) => p.P.DeclinedAt),
        Column.Of("declined_try", NpgsqlDbType.Text, (PaymentRow p) => p.P.DeclinedTry),
        Column.Of("reversals", NpgsqlDbType.Text, (PaymentRow p) => p.P.Reversals.IsEmpty ? null : DisputeJson.Names(p.P.Reversals)),
        Column.Of("reversed", NpgsqlDbType.Text, (PaymentRow p) => p.P.Reversals.IsEmpty ? null : DisputeJson.Write(p.P.Reversals)),
        Column.Of("denied", NpgsqlDbType.Text, (PaymentRow p) => p.P.Denied.IsEmpty ? null : RowJson.Write(p.P.Denied)),
        Column.Of("outside_refunds", NpgsqlDbType.Text, (PaymentRow p) => p.P.OutsideRefunds.IsEmpty ? null : RowJson.Write(p.P.OutsideRefunds)),
        Column.Of("answers", NpgsqlDbType.Text, (PaymentRow p) => p.P.Answers.IsEmpty ? null : RowJson.Write(p.P.Answers)),
        Column.Of("reason", NpgsqlDbType.Text, (PaymentRow p) => p.P.Reason),
        Column.Of("looked_at", TimestampTz, (PaymentRow p) => p.P.LookedAt),
        Column.Of("ended_at", TimestampTz, (PaymentRow p) => p.P.EndedAt),
        Column.Of("absent_first_at", TimestampTz, (PaymentRow p) => p.P.AbsentFirstAt),
        Column.Of("absent_last_at", TimestampTz, (PaymentRow p) => p.P.AbsentLastAt),
        Column.Of("disputes", NpgsqlDbType.Text, (PaymentRow p) => p.P.Disputes.IsEmpty ? null : DisputeJson.Write(p.P.Disputes)),
        Column.Of("discrepancy", Smallint, (PaymentRow p) => (short?)p.P.Discrepancy),
    ];

    internal static readonly RowSet<PaymentRow> InsertPayments = RowSet.Insert("payments",
        [.. PaymentKey, .. PaymentBirth, .. PaymentStep, .. PaymentAsk, .. PaymentFlags], PaymentLinked, [.. PaymentMoney, .. PaymentMore]);
    static readonly RowSet<PaymentRow> UpdatePayments = RowSet.Update("payments", PaymentKey, p => p with { P = p.Was },
        PaymentStep, [.. PaymentAsk, .. PaymentLinked], PaymentMoney, [.. PaymentFlags, .. PaymentMore]);

    /// <param name="moved">With each payment as it is in the database.</param>
    public static void Write(NpgsqlBatch batch, IReadOnlyList<PaymentRow> born, IReadOnlyList<PaymentRow> moved)
    {
        InsertPayments.Add(batch, born);
        UpdatePayments.Add(batch, moved);
    }
}
