using Npgsql;
using NpgsqlTypes;
using Purser.Refunds;
using static NpgsqlTypes.NpgsqlDbType;
using RefundRow = (Purser.OrderId Order, Purser.Refunds.Refund R);

namespace Purser.Server.Engine;

/// <summary>The refunds of orders: their columns, how rows become records and records rows.</summary>
static class RefundTableStore
{
    const string RefundColumns =
        "order_id, number, payment, money_reference, amount, currency, reason, status, requested_at, note, asked_at, asks, unsent_asks, refund_reference, " +
        "bank_reference, done_at, why, rejected, look_at, looked_at, absent_first_at, absent_last_at, settled, settled_otherwise, not_settled, heard_at, came_back, asks_by_itself, returned";

    public const string Load = $"select {RefundColumns} from refunds where order_id = any($1) order by order_id, number";

    public static Refund Read(NpgsqlDataReader r) => new()
    {
        Number = r.GetInt32(1),
        Payment = r.GetInt32(2),
        MoneyReference = r.GetString(3),
        Amount = new Money(r.GetInt64(4), Currency.Find(r.GetString(5))),
        Reason = (RefundReason)r.GetInt16(6),
        Status = (RefundStatus)r.GetInt16(7),
        RequestedAt = OrderTableStore.Time(r, 8),
        Note = OrderTableStore.Text(r, 9),
        AskedAt = OrderTableStore.Time(r, 10),
        Asks = r.GetInt32(11),
        UnsentAsks = r.GetInt32(12),
        RefundReference = OrderTableStore.Text(r, 13),
        BankReference = OrderTableStore.Text(r, 14),
        DoneAt = OrderTableStore.TimeOrNull(r, 15),
        Why = OrderTableStore.Text(r, 16),
        Rejected = r.GetBoolean(17),
        LookAt = OrderTableStore.TimeOrNull(r, 18),
        LookedAt = OrderTableStore.TimeOrNull(r, 19),
        AbsentFirstAt = OrderTableStore.TimeOrNull(r, 20),
        AbsentLastAt = OrderTableStore.TimeOrNull(r, 21),
        Settled = r.IsDBNull(22) ? null : RowJson.ReadSettled(r.GetString(22)),
        SettledOtherwise = r.GetBoolean(23),
        NotSettled = r.GetBoolean(24),
        HeardAt = OrderTableStore.TimeOrNull(r, 25),
        CameBack = r.GetBoolean(26),
        AsksByItself = r.GetBoolean(27),
        Returned = r.IsDBNull(28) ? null : RowJson.ReadSettled(r.GetString(28)),
    };

    static readonly Column<RefundRow>[] RefundKey =
    [
        Column.Of("order_id", Bigint, (RefundRow r) => r.Order.Value),
        Column.Of("number", Integer, (RefundRow r) => r.R.Number),
    ];

    static readonly Column<RefundRow>[] RefundBirth =
    [
        Column.Of("payment", Integer, (RefundRow r) => r.R.Payment),
        Column.Of("money_reference", NpgsqlDbType.Text, (RefundRow r) => r.R.MoneyReference),
        Column.Of("amount", Bigint, (RefundRow r) => r.R.Amount.MinorUnits),
        Column.Of("currency", NpgsqlDbType.Text, (RefundRow r) => r.R.Amount.Currency.Code),
        Column.Of("reason", Smallint, (RefundRow r) => (short)r.R.Reason),
        Column.Of("note", NpgsqlDbType.Text, (RefundRow r) => r.R.Note),
        Column.Of("requested_at", TimestampTz, (RefundRow r) => r.R.RequestedAt),
    ];

    static readonly Column<RefundRow>[] RefundState =
    [
        Column.Of("status", Smallint, (RefundRow r) => (short)r.R.Status),
        Column.Of("asked_at", TimestampTz, (RefundRow r) => r.R.AskedAt),
        Column.Of("asks", Integer, (RefundRow r) => r.R.Asks),
        Column.Of("unsent_asks", Integer, (RefundRow r) => r.R.UnsentAsks),
        Column.Of("refund_reference", NpgsqlDbType.Text, (RefundRow r) => r.R.RefundReference),
        Column.Of("bank_reference", NpgsqlDbType.Text, (RefundRow r) => r.R.BankReference),
        Column.Of("done_at", TimestampTz, (RefundRow r) => r.R.DoneAt),
        Column.Of("why", NpgsqlDbType.Text, (RefundRow r) => r.R.Why),
        Column.Of("rejected", NpgsqlDbType.Boolean, (RefundRow r) => r.R.Rejected),
        Column.Of("look_at", TimestampTz, (RefundRow r) => r.R.LookAt),
        Column.Of("looked_at", TimestampTz, (RefundRow r) => r.R.LookedAt),
        Column.Of("heard_at", TimestampTz, (RefundRow r) => r.R.HeardAt),
        Column.Of("absent_first_at", TimestampTz, (RefundRow r) => r.R.AbsentFirstAt),
        Column.Of("absent_last_at", TimestampTz, (RefundRow r) => r.R.AbsentLastAt),
        Column.Of("settled", NpgsqlDbType.Text, (RefundRow r) => RowJson.Write(r.R.Settled)),
        Column.Of("returned", NpgsqlDbType.Text, (RefundRow r) => RowJson.Write(r.R.Returned)),
        Column.Of("settled_otherwise", NpgsqlDbType.Boolean, (RefundRow r) => r.R.SettledOtherwise),
        Column.Of("not_settled", NpgsqlDbType.Boolean, (RefundRow r) => r.R.NotSettled),
        Column.Of("came_back", NpgsqlDbType.Boolean, (RefundRow r) => r.R.CameBack),
        Column.Of("asks_by_itself", NpgsqlDbType.Boolean, (RefundRow r) => r.R.AsksByItself),
    ];

    static readonly RowSet<RefundRow> InsertRefunds = RowSet.Insert("refunds", [.. RefundKey, .. RefundBirth, .. RefundState]);
    static readonly RowSet<RefundRow> UpdateRefunds = RowSet.Update("refunds", RefundKey, RefundState);

    public static void Write(NpgsqlBatch batch, IReadOnlyList<RefundRow> born, IReadOnlyList<RefundRow> moved)
    {
        InsertRefunds.Add(batch, born);
        UpdateRefunds.Add(batch, moved);
    }
}
