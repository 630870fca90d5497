using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Gateways.BillDesk;

/// <summary>What came of one request to BillDesk.</summary>
abstract record BillDeskReply
{
    BillDeskReply() { }

    /// <param name="Payload">The opened token's JSON.</param>
    public sealed record Told(byte[] Payload) : BillDeskReply;

    /// <summary>Their no, in their own shape and under their signature; or a no to our own keys.</summary>
    public sealed record Refused(int Http, ErrorWire Error) : BillDeskReply
    {
        /// <summary>Nothing was done because of this request. A type that speaks of their own trouble says nothing of the kind.</summary>
        public bool Definite => Http is 400 or 401 or 403 or 404 or 422 && !Repeated && Error.ErrorType is not ("api_connection_error" or "api_processing_error");

        /// <summary>They have seen the trace id or the name before. The document gives the words for a taken order alone.</summary>
        public bool Repeated => Http == 409 || Error.ErrorType == "duplicate_request_error" || Says("trace");

        /// <summary>It is the name that is taken, and not the trace id.</summary>
        public bool NameTaken => Repeated && Error.ErrorCode == "TRDRE0001" && !Says("trace");

        bool Says(string word) => $"{Error.ErrorType} {Error.Code} {Error.Text}".Contains(word, StringComparison.OrdinalIgnoreCase);
    }

    public sealed record NotSent(string Reason) : BillDeskReply;

    public sealed record Unknown(string Reason) : BillDeskReply;
}

/// <summary>One conversation: wraps what we say into tokens and opens theirs.</summary>
sealed partial class BillDeskConversation(GatewayAccount account, GatewayLine line)
{
    static readonly TimeSpan India = new(5, 30, 0);

    readonly BillDeskJose jose = BillDeskJose.Of(account) ?? throw new InvalidOperationException($"The gateway account '{account.Name}' lacks a key.");

    public string Merchant => account.Setting(BillDeskGateway.MerchantId);

    /// <summary>A request that must be the same whenever it is made: its trace id and its time come from what was committed.</summary>
    public Task<BillDeskReply> Ask(string path, Action<Utf8JsonWriter> write, string trace, DateTimeOffset at, CancellationToken stop) =>
        Send(path, write, trace, at, stop);

    /// <summary>A request under a trace id that nobody used: each counts for a day, and every question needs its own. So it is made of the subject
    /// and of the time to the microsecond.</summary>
    public Task<BillDeskReply> AskAfresh(string path, Action<Utf8JsonWriter> write, string subject, CancellationToken stop)
    {
        var now = line.Now;
        return Send(path, write, $"{subject}n{(now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond:x13}{line.Exchanges.Count % 10}", now, stop);
    }

    /// <summary>As they write times, in India.</summary>
    public static string Time(DateTimeOffset at) => at.ToOffset(India).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture);

    public string Reason(ErrorWire error) => line.Redact(Wire.Line($"{error.Code}: {error.Text}", 300));

    async Task<BillDeskReply> Send(string path, Action<Utf8JsonWriter> write, string trace, DateTimeOffset at, CancellationToken stop)
    {
        var payload = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(payload))
        {
            json.WriteStartObject();
            json.WriteString("mercid", Merchant);
            write(json);
            json.WriteEndObject();
        }
        var request = new LineRequest(HttpMethod.Post, path,
            [
                new("Accept", "application/jose"),
                new("BD-Traceid", trace),
                new("BD-Timestamp", at.ToOffset(India).ToString("yyyyMMddHHmmss", CultureInfo.InvariantCulture)),
            ],
            Encoding.ASCII.GetBytes(jose.Seal(payload.WrittenSpan)), "application/jose")
        { Unwrapped = Unwrap };
        return await line.Send(request, stop) switch
        {
            LineReply.NotSent n => new BillDeskReply.NotSent(n.Reason),
            LineReply.Lost l => new BillDeskReply.Unknown(l.Reason),
            LineReply.Answered a => Read(a),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    BillDeskReply Read(LineReply.Answered answer)
    {
        var said = jose.Open(answer.Text, out var why);
        if (answer.Status == 200) return said is null ? new BillDeskReply.Unknown(why) : new BillDeskReply.Told(said);
        // Who does not know our keys cannot sign for us: their no to them comes in the clear, or under a key that we do not have.
        if (said is null && answer.Status is 401 or 403) said = BillDeskJose.Peek(answer.Text) ?? answer.Body.ToArray();
        return said is not null && answer.Status is >= 400 and < 500 and not (408 or 429) && Wire.TryRead<ErrorWire>(said, out var error)
                && error.Code is not null && (error.Status is null || error.Status == answer.Status)
            ? new BillDeskReply.Refused(answer.Status, error)
            : new BillDeskReply.Unknown($"HTTP {answer.Status}");
    }

    /// <summary>For the record: what the token says, without what would open the payment's page.</summary>
    string Unwrap(string text) => jose.Read(text) is { } said ? Launch().Replace(said, $"$1{Redaction.Mark}") : text;

    [GeneratedRegex("""("rdata"\s*:\s*"|OToken )[^"]+""")]
    private static partial Regex Launch();
}
