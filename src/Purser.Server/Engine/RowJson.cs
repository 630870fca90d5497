using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Purser.Invoices;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Server.Engine;

/// <summary>The few nested things that live in one column as JSON. Written and read by hand: no reflection on the hot path.</summary>
public static class RowJson
{
    static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes JSON text without the HTML escapes that only a browser's inline script would need.</summary>
    public static string Text(Action<Utf8JsonWriter> write)
    {
        // Whoever writes within writing gets a desk of its own.
        var (buffer, json) = desk ?? (new ArrayBufferWriter<byte>(1024), new Utf8JsonWriter(Stream.Null, Plain));
        desk = null;
        buffer.ResetWrittenCount();
        json.Reset(buffer);
        write(json);
        json.Flush();
        var text = Encoding.UTF8.GetString(buffer.WrittenSpan);
        if (buffer.Capacity <= LargestDesk) desk = (buffer, json);
        return text;
    }

    const int LargestDesk = 16 * 1024;

    [ThreadStatic]
    static (ArrayBufferWriter<byte> Buffer, Utf8JsonWriter Json)? desk;

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
            if (c.Doubts != 0) json.WriteNumber("doubts", c.Doubts);
            if (c.Expected is { } expected) Write(json, expected);
            if (c.Settled is { } row) Write(json, "settled", row);
            Write(json, "cleared", c.Cleared);
            if (!c.OtherRows.IsEmpty)
            {
                json.WriteStartArray("other_rows");
                foreach (var other in c.OtherRows) Write(json, null, other);
                json.WriteEndArray();
            }
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
            c.GetProperty("at").GetDateTimeOffset(), (Standing)c.GetProperty("standing").GetInt32())
        {
            Doubts = c.TryGetProperty("doubts", out var doubts) ? doubts.GetInt32() : 0,
            Expected = ReadExpected(c),
            Settled = c.TryGetProperty("settled", out var row) ? ReadSettled(row) : null,
            Cleared = ReadMoney(c, "cleared"),
            OtherRows = c.TryGetProperty("other_rows", out var others) ? [.. others.EnumerateArray().Select(ReadSettled)] : [],
        })];
    }

    /// <summary>What is expected of money, as it stands in columns and in events.</summary>
    public static void Write(Utf8JsonWriter json, Expected expected)
    {
        json.WriteStartObject("expected");
        Write(json, "fee", expected.Fee);
        Write(json, "tax", expected.Tax);
        if (expected.DueOn is { } due) json.WriteString("due_on", Day(due));
        json.WriteEndObject();
    }

    public static Expected? ReadExpected(JsonElement of) =>
        of.TryGetProperty("expected", out var expected) ? new Expected(ReadMoney(expected, "fee"), ReadMoney(expected, "tax"), ReadDay(expected, "due_on")) : null;

    /// <summary>A statement's row, as it stands in columns and in events.</summary>
    /// <param name="name">Null in a list.</param>
    public static void Write(Utf8JsonWriter json, string? name, Settled row)
    {
        if (name is null) json.WriteStartObject();
        else json.WriteStartObject(name);
        json.WriteString("row", row.RowKey);
        Write(json, "amount", row.Amount);
        Write(json, "net", row.Net);
        Write(json, "fee", row.Fee);
        Write(json, "tax", row.Tax);
        if (row.On is { } on) json.WriteString("on", Day(on));
        if (row.PayoutReference is { } payout) json.WriteString("payout", payout);
        json.WriteEndObject();
    }

    public static Settled ReadSettled(JsonElement row) => new(
        row.GetProperty("row").GetString()!, ReadMoney(row, "amount")!.Value, ReadMoney(row, "net")!.Value, ReadMoney(row, "fee"), ReadMoney(row, "tax"),
        ReadDay(row, "on"), row.TryGetProperty("payout", out var payout) ? payout.GetString() : null);

    public static string? Write(Settled? row) => row is null ? null : Text(json =>
    {
        json.WriteStartObject();
        Write(json, "settled", row);
        json.WriteEndObject();
    });

    public static Settled ReadSettled(string text)
    {
        using var json = JsonDocument.Parse(text);
        return ReadSettled(json.RootElement.GetProperty("settled"));
    }

    public static void Write(Utf8JsonWriter json, string name, Money? money)
    {
        if (money is not { } sum) return;
        json.WritePropertyName(name);
        WriteValue(json, sum);
    }

    static void WriteValue(Utf8JsonWriter json, Money sum)
    {
        json.WriteStartArray();
        json.WriteNumberValue(sum.MinorUnits);
        json.WriteStringValue(sum.Currency.Code);
        json.WriteEndArray();
    }

    public static Money? ReadMoney(JsonElement from, string name) =>
        from.TryGetProperty(name, out var sum) ? MoneyOf(sum) : null;

    static Money MoneyOf(JsonElement sum) => new(sum[0].GetInt64(), Currency.Find(sum[1].GetString()!));

    static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    static DateOnly? ReadDay(JsonElement from, string name) =>
        from.TryGetProperty(name, out var day) ? DateOnly.ParseExact(day.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null;

    public static string Write(ImmutableArray<OutsideRefund> outside) => Text(json =>
    {
        json.WriteStartArray();
        foreach (var one in outside)
        {
            json.WriteStartObject();
            json.WriteString("reference", one.RefundReference);
            Write(json, "amount", one.Amount);
            if (one.RowKey is { } row) json.WriteString("row", row);
            if (one.MoneyReference is { } money) json.WriteString("money", money);
            if (one.MayBeOurs) json.WriteBoolean("perhaps_ours", true);
            if (one.CameBack) json.WriteBoolean("came_back", true);
            if (one.Settled is { } settled) Write(json, "settled", settled);
            if (one.Returned is { } returned) Write(json, "returned", returned);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<OutsideRefund> ReadOutside(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(o => new OutsideRefund(
            o.GetProperty("reference").GetString()!, ReadMoney(o, "amount")!.Value, o.TryGetProperty("row", out var row) ? row.GetString() : null,
            o.TryGetProperty("money", out var money) ? money.GetString() : null)
            {
                MayBeOurs = o.TryGetProperty("perhaps_ours", out _), CameBack = o.TryGetProperty("came_back", out _),
                Settled = o.TryGetProperty("settled", out var settled) ? ReadSettled(settled) : null, Returned = o.TryGetProperty("returned", out var returned) ? ReadSettled(returned) : null,
            })];
    }

    public static string Write(ImmutableArray<Answered> answers) => Text(json =>
    {
        json.WriteStartArray();
        foreach (var answer in answers)
        {
            json.WriteStartObject();
            json.WriteNumber("kind", (int)answer.Kind);
            if (answer.MoneyReference is { } money) json.WriteString("reference", money);
            if (!answer.Moved.IsEmpty)
            {
                json.WriteStartArray("moved");
                foreach (var moved in answer.Moved) WriteValue(json, moved);
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<Answered> ReadAnswers(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(a => new Answered(
            (DiscrepancyKind)a.GetProperty("kind").GetInt32(), a.TryGetProperty("reference", out var money) ? money.GetString() : null) { Moved = a.TryGetProperty("moved", out var moved) ? [.. moved.EnumerateArray().Select(MoneyOf)] : [] })];
    }

    public static string Write(ImmutableArray<Denial> denied) => Text(json =>
    {
        json.WriteStartArray();
        foreach (var denial in denied)
        {
            json.WriteStartObject();
            json.WriteString("reference", denial.MoneyReference);
            json.WriteString("at", denial.At);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<Denial> ReadDenied(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(d => new Denial(d.GetProperty("reference").GetString()!, d.GetProperty("at").GetDateTimeOffset()))];
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
            if (line.Hsn is { } hsn) json.WriteString("hsn", hsn);
            if (line.TaxRate is { } rate) json.WriteNumber("tax_basis_points", rate.BasisPoints);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<OrderLine> ReadLines(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(l => new OrderLine(
            l.GetProperty("name").GetString()!, l.GetProperty("quantity").GetInt64(), l.GetProperty("unit_amount").GetInt64(),
            l.TryGetProperty("product", out var product) ? product.GetString() : null,
            l.TryGetProperty("hsn", out var hsn) ? hsn.GetString() : null,
            l.TryGetProperty("tax_basis_points", out var rate) ? new TaxRate(rate.GetInt32()) : null))];
    }

    public static string? Write(Billing? billing) => billing is null ? null : Text(json =>
    {
        json.WriteStartObject();
        if (billing.Address is { } address) json.WriteString("address", address);
        if (billing.State is { } state) json.WriteString("state", state);
        if (billing.TaxId is { } number) json.WriteString("tax_id", number);
        json.WriteEndObject();
    });

    public static Billing ReadBilling(string text)
    {
        using var json = JsonDocument.Parse(text);
        string? Find(string name) => json.RootElement.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new Billing(Find("address"), Find("state"), Find("tax_id"));
    }
}
