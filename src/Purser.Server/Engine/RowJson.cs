using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Purser.Orders;
using Purser.Payments;

namespace Purser.Server.Engine;

/// <summary>The few nested things that live in one column as JSON. Written and read by hand: no reflection on the hot path.</summary>
public static class RowJson
{
    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes JSON text without the HTML escapes that only a browser's inline script would need.</summary>
    public static string Text(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, Plain)) write(json);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static string Write(ImmutableArray<Capture> captures) => Text(json =>
    {
        json.WriteStartArray();
        foreach (var c in captures)
        {
            json.WriteStartObject();
            json.WriteString("reference", c.MoneyReference);
            json.WriteNumber("amount", c.Amount.MinorUnits);
            json.WriteString("currency", c.Amount.Currency.Code);
            json.WriteString("at", c.At);
            json.WriteNumber("standing", (int)c.Standing);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<Capture> ReadCaptures(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(c => new Capture(
            c.GetProperty("reference").GetString()!,
            new Money(c.GetProperty("amount").GetInt64(), Currency.Find(c.GetProperty("currency").GetString()!)),
            c.GetProperty("at").GetDateTimeOffset(), (Standing)c.GetProperty("standing").GetInt32()))];
    }

    public static string Write(ImmutableArray<string> texts) => Text(json =>
    {
        json.WriteStartArray();
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    });

    public static ImmutableArray<string> ReadTexts(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(e => e.GetString()!)];
    }

    public static string Write(ImmutableSortedDictionary<string, string> pairs) => Text(json =>
    {
        json.WriteStartObject();
        foreach (var (name, value) in pairs) json.WriteString(name, value);
        json.WriteEndObject();
    });

    public static ImmutableSortedDictionary<string, string> ReadPairs(string text)
    {
        using var json = JsonDocument.Parse(text);
        return json.RootElement.EnumerateObject().ToImmutableSortedDictionary(p => p.Name, p => p.Value.GetString()!, StringComparer.Ordinal);
    }

    public static PaymentLink ReadLink(string url, string? fields) =>
        fields is null ? new PaymentLink.Redirect(url) : new PaymentLink.Form(url, ReadPairs(fields));

    public static string Write(ImmutableArray<OrderLine> lines) => Text(json =>
    {
        json.WriteStartArray();
        foreach (var line in lines)
        {
            json.WriteStartObject();
            json.WriteString("name", line.Name);
            json.WriteNumber("quantity", line.Quantity);
            json.WriteNumber("unit_amount", line.UnitAmount);
            if (line.Product is { } product) json.WriteString("product", product);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<OrderLine> ReadLines(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(l => new OrderLine(
            l.GetProperty("name").GetString()!, l.GetProperty("quantity").GetInt64(), l.GetProperty("unit_amount").GetInt64(),
            l.TryGetProperty("product", out var product) ? product.GetString() : null))];
    }
}
