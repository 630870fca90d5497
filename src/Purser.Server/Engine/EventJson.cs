using System.Text.Json;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>Events as they are told to the world: on the API, on sockets, in webhooks. The data part is what is stored.</summary>
public static class EventJson
{
    public static string Data(OrderEvent e) => RowJson.Text(json =>
    {
        json.WriteStartObject();
        json.WriteStartObject("order");
        json.WriteString("id", e.Order.ToString());
        json.WriteString("status", EventNames.Snake(e.OrderStatus.ToString()));
        if (e.Late) json.WriteBoolean("late", true);
        if (e.PaidBy is { } paidBy) json.WriteString("paid_by", new PaymentId(e.Order, paidBy).ToString());
        json.WriteEndObject();
        if (e.Payment is { } payment)
        {
            json.WriteStartObject("payment");
            json.WriteString("id", new PaymentId(e.Order, payment).ToString());
            json.WriteString("gateway", e.Account);
            json.WriteString("status", EventNames.Snake(e.PaymentStatus!.Value.ToString()));
            if (e.GatewayReference is { } reference) json.WriteString("gateway_reference", reference);
            json.WriteEndObject();
        }
        if (e.Refund is { } refund) json.WriteString("refund", new RefundId(e.Order, refund).ToString());
        if (e.Amount is { } amount)
        {
            json.WriteNumber("amount", amount.MinorUnits);
            json.WriteString("currency", amount.Currency.Code);
        }
        if (e.Replaces is { } replaces)
        {
            json.WriteNumber("replaces_amount", replaces.MinorUnits);
            json.WriteString("replaces_currency", replaces.Currency.Code);
        }
        if (e.GivenBack is { } back)
        {
            json.WriteNumber("given_back_amount", back.MinorUnits);
            json.WriteString("given_back_currency", back.Currency.Code);
        }
        if (e.MoneyReference is { } money) json.WriteString("money_reference", money);
        if (e.Discrepancy is { } discrepancy) json.WriteString("discrepancy", EventNames.Snake(discrepancy.ToString()));
        if (e.Reason is { } reason) json.WriteString("reason", reason);
        if (e.Source is { } source) json.WriteString("source", EventNames.Snake(source.ToString()));
        if (e.RawKey is { } raw) json.WriteString("evidence", raw);
        if (e.By is { } by) json.WriteString("by", by);
        if (e.Settled is { } row) RowJson.Write(json, "settled", row);
        if (e.PaidOut) json.WriteBoolean("paid_out", true);
        json.WriteEndObject();
    });

    /// <summary>The whole message: id, type, timestamp, sequence, data.</summary>
    public static void Write(Utf8JsonWriter json, OrderId order, int sequence, EventType type, DateTimeOffset at, ReadOnlySpan<byte> data)
    {
        json.WriteStartObject();
        json.WriteString("id", $"evt_{order.Letters}_{sequence}");
        json.WriteString("type", type.Name());
        json.WriteString("timestamp", at.UtcDateTime);
        json.WriteNumber("sequence", sequence);
        json.WritePropertyName("data");
        json.WriteRawValue(data, skipInputValidation: true);
        json.WriteEndObject();
    }
}
