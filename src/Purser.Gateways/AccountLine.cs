using System.Text;

namespace Purser.Gateways;

/// <summary>One call's line: keeps the conversation within its time and writes down what was said. Used by one conversation at a time.</summary>
sealed class AccountLine(GatewayAccount account, Redaction redaction, AccountWire wire, TimeProvider time, GatewayLimits limits) : GatewayLine
{
    /// <summary>What is kept of a request or an answer. Enough for any message that we understand.</summary>
    const int KeptCharacters = 16 * 1024;

    readonly List<Exchange> exchanges = [];
    long? begun;

    public override IReadOnlyList<Exchange> Exchanges => exchanges;

    public override string? Recall(string name) => wire.Memory.Recall(name);

    public override void Remember(string name, string value, TimeSpan lifetime) => wire.Memory.Remember(name, value, lifetime);

    public override void Forget(string name) => wire.Memory.Forget(name);

    public override DateTimeOffset Now => time.GetUtcNow();

    public override string Redact(string text) => redaction.Cut(text);

    public override async Task<LineReply> Send(LineRequest request, CancellationToken stop)
    {
        var sentAt = time.GetUtcNow();
        var from = time.GetTimestamp();
        begun ??= from;
        var left = limits.WholeCall - time.GetElapsedTime(begun.Value, from);
        var reply = left <= TimeSpan.Zero
            ? new LineReply.NotSent("no time left")
            : await wire.Send(request, Address(request.Path), left, stop);

        var (status, answer, outcome) = reply switch
        {
            LineReply.Answered a => (a.Status, Keep(Body(request, a.Body.Span)), a.Status.ToString()),
            LineReply.NotSent n => ((int?)null, "", $"not_sent: {n.Reason}"),
            LineReply.Lost l => (null, Keep(redaction.CutEnd(Body(request, WholeLetters(l.Fragment.Span)))), $"lost: {l.Reason}"),
            _ => throw new InvalidOperationException($"No record of {reply.GetType().Name}."),
        };
        exchanges.Add(new Exchange(
            request.Method.Method, redaction.Cut(request.Path), Keep(Written(request)), status, answer, outcome, sentAt, time.GetElapsedTime(from)));
        return reply;
    }

    Uri Address(string path) => new($"{account.BaseUrl.AbsoluteUri.TrimEnd('/')}/{path.TrimStart('/')}");

    static string Written(LineRequest request)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in request.Headers)
            text.Append(name).Append(": ").AppendLine(name.Equals("Authorization", StringComparison.OrdinalIgnoreCase) ? Redaction.Mark : value);
        return text.AppendLine().Append(Body(request, request.Body.Span)).ToString();
    }

    static string Body(LineRequest request, ReadOnlySpan<byte> bytes) =>
        request.Unwrapped is { } unwrap && bytes.Length > 0 ? unwrap(Legible(bytes)).Replace('\0', '\u2400') : Legible(bytes);

    /// <summary>Bytes as text from which they can be had back: UTF-8, or one character per byte when they are not that.</summary>
    static string Legible(ReadOnlySpan<byte> bytes)
    {
        var text = IsUtf8(bytes) ? Encoding.UTF8.GetString(bytes) : "[not UTF-8, read as Latin-1] " + Encoding.Latin1.GetString(bytes);
        return text.Replace('\0', '\u2400'); // PostgreSQL's text holds no zero byte.
    }

    /// <summary>Without the letter that it breaks off in; bytes that are no UTF-8 anyway as they are.</summary>
    static ReadOnlySpan<byte> WholeLetters(ReadOnlySpan<byte> broken)
    {
        for (var cut = 0; cut < 4 && cut < broken.Length; cut++)
            if (IsUtf8(broken[..^cut])) return broken[..^cut];
        return broken;
    }

    static bool IsUtf8(ReadOnlySpan<byte> bytes) => System.Text.Unicode.Utf8.IsValid(bytes);

    /// <summary>Redacts before it cuts, so that nothing half cut slips through. What is cut says how much is missing.</summary>
    string Keep(string text)
    {
        var read = Start(text, 4 * KeptCharacters);
        var unread = text.Length - read.Length;
        var legible = redaction.Cut(read);
        // So much was redacted that the place where we stopped reading shows, and half a secret may stand there.
        if (unread > 0 && legible.Length <= KeptCharacters) legible = redaction.Cut(redaction.CutEnd(read));
        var kept = Start(legible, KeptCharacters);
        var missing = legible.Length - kept.Length + unread;
        return missing == 0 ? kept : $"{kept} [{missing} more characters]";
    }

    /// <summary>Never half of a letter that is two characters long: the database takes none, and what else came with it would be lost.</summary>
    static string Start(string text, int length) => text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
}
