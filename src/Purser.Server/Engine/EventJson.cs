using System.Text.Json;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>Events as they are told: to the merchant on the API and in webhooks, with all that is stored; to whoever holds an order's token, and on sockets, only with what is
/// the shopper's own.</summary>
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
        if (e.Expected is { } expected) RowJson.Write(json, expected);
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
    /// <param name="whole">For the merchant; else for the shopper.</param>
    public static void Write(Utf8JsonWriter json, OrderId order, int sequence, EventType type, DateTimeOffset at, ReadOnlySpan<byte> data, bool whole)
    {
        Begin(json, order, sequence, type, at);
        if (whole) json.WriteRawValue(data, skipInputValidation: true);
        else WriteShoppers(json, type, data);
        json.WriteEndObject();
    }

    /// <summary>The whole message for the shopper, of an event that was just made.</summary>
    public static void WriteShoppers(Utf8JsonWriter json, OrderEvent e)
    {
        Begin(json, e.Order, e.Sequence, e.Type, e.At);
        json.WriteStartObject();
        json.WriteStartObject("order"u8);
        json.WriteString("id"u8, e.Order.ToString());
        json.WriteString("status"u8, EventNames.Snake(e.OrderStatus.ToString()));
        if (e.Late) json.WriteBoolean("late"u8, true);
        if (e.PaidBy is { } paidBy) json.WriteString("paid_by"u8, new PaymentId(e.Order, paidBy).ToString());
        json.WriteEndObject();
        if (e.Payment is { } payment)
        {
            json.WriteStartObject("payment"u8);
            json.WriteString("id"u8, new PaymentId(e.Order, payment).ToString());
            json.WriteString("status"u8, EventNames.Snake(e.PaymentStatus!.Value.ToString()));
            json.WriteEndObject();
        }
        if (e.Refund is { } refund) json.WriteString("refund"u8, new RefundId(e.Order, refund).ToString());
        if (e.Amount is { } amount && IsShoppers(e.Type))
        {
            json.WriteNumber("amount"u8, amount.MinorUnits);
            json.WriteString("currency"u8, amount.Currency.Code);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The data of a stored event for the shopper: only what is named here, so that what an event comes to hold one day is not told by itself.</summary>
    public static void WriteShoppers(Utf8JsonWriter json, EventType type, ReadOnlySpan<byte> data)
    {
        var reader = new Utf8JsonReader(data);
        json.WriteStartObject();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("order"u8) || reader.ValueTextEquals("payment"u8)) WriteStanding(json, ref reader);
            else if (reader.ValueTextEquals("refund"u8) || IsShoppers(type) && (reader.ValueTextEquals("amount"u8) || reader.ValueTextEquals("currency"u8))) Copy(json, ref reader);
            else reader.Skip();
        }
        json.WriteEndObject();
    }

    /// <summary>How the order, or the payment, stands.</summary>
    static void WriteStanding(Utf8JsonWriter json, ref Utf8JsonReader reader)
    {
        json.WriteStartObject(reader.ValueSpan);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8) || reader.ValueTextEquals("status"u8) || reader.ValueTextEquals("late"u8) || reader.ValueTextEquals("paid_by"u8)) Copy(json, ref reader);
            else reader.Skip();
        }
        json.WriteEndObject();
    }

    /// <summary>A name and its value. What is copied is made of ids, names of ours and numbers, in which nothing is escaped.</summary>
    static void Copy(Utf8JsonWriter json, ref Utf8JsonReader reader)
    {
        json.WritePropertyName(reader.ValueSpan);
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) json.WriteStringValue(reader.ValueSpan);
        else json.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
    }

    /// <summary>The event's amount is money that the shopper knows of: not that of a statement's row, nor of what people look into.</summary>
    static bool IsShoppers(EventType type) => type is not (EventType.SettlementMatched or EventType.DiscrepancyOpened or EventType.DiscrepancyResolved);

    static void Begin(Utf8JsonWriter json, OrderId order, int sequence, EventType type, DateTimeOffset at)
    {
        json.WriteStartObject();
        json.WriteString("id", $"evt_{order.Letters}_{sequence}");
        json.WriteString("type", type.Name());
        json.WriteString("timestamp", at.UtcDateTime);
        json.WriteNumber("sequence", sequence);
        json.WritePropertyName("data");
    }
}
