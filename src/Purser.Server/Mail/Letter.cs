using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Deliveries;

namespace Purser.Server.Mail;

/// <summary>A mail, written and ready to be sent.</summary>
/// <param name="MessageId">With its angle brackets; the same however often it is sent.</param>
public sealed record Letter(string MessageId, ImmutableArray<string> To, string Subject, string Text, string Html)
{
    public Enclosure? Enclosure { get; init; }
}

/// <summary>A PDF that goes with a mail.</summary>
public sealed record Enclosure(string FileName, byte[] Bytes);

/// <summary>What a mail says, in the reader's language, before it has a form.</summary>
/// <param name="Locale">The language, for screen readers.</param>
public sealed record LetterContent(string Locale, LetterTone Tone, string Headline)
{
    /// <summary>Paragraphs.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>What was bought: name with quantity, and amount.</summary>
    public ImmutableArray<(string Name, string Amount)> Lines { get; init; } = [];

    /// <summary>What is known: label and value.</summary>
    public ImmutableArray<(string Label, string Value)> Facts { get; init; } = [];

    public (string Text, string Url)? Button { get; init; }

    public ImmutableArray<string> Closing { get; init; } = [];
}

public enum LetterTone { Good, Calm, Care }

/// <summary>An event as a mail tells of it.</summary>
public sealed record ToldEvent(EventType Type, DateTimeOffset At, int? Payment, int? Refund, Money? Amount, string? MoneyReference, string? Discrepancy, string? Reason)
{
    public static ToldEvent Of(LeasedDelivery one)
    {
        using var data = JsonDocument.Parse(one.Data);
        var root = data.RootElement;
        string? Text(string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new ToldEvent(one.Type, one.At,
            root.TryGetProperty("payment", out var payment) && PaymentId.TryParse(payment.GetProperty("id").GetString(), out var number) ? number.Number : null,
            RefundId.TryParse(Text("refund"), out var refund) ? refund.Number : null,
            root.TryGetProperty("amount", out var amount) ? new Money(amount.GetInt64(), Currency.Find(Text("currency")!)) : null,
            Text("money_reference"), Text("discrepancy"), Text("reason"));
    }
}

/// <summary>Text from outside, before it becomes a part of a mail.</summary>
public static class Plain
{
    /// <summary>One line: what would end a header's line, or turn the direction of what stands around it, becomes a space.</summary>
    public static string Line(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (var c in text)
            if (!(char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069'))) line.Append(c);
            else if (line is { Length: > 0 } && line[^1] != ' ') line.Append(' ');
        return line.ToString().Trim();
    }
}
