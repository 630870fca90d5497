using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Purser.Gateways.CCAvenue;

/// <summary>One question to their servlet: JSON, encrypted, in a form with the access code; the answer is a form too, whatever it says it is.</summary>
static partial class CCAvenueTalk
{
    const int LongestReason = 300;

    /// <summary>There is no such order, refund or payout.</summary>
    static readonly string[] NothingThere = ["51308", "51313", "51419"];

    public abstract record Heard
    {
        Heard() { }

        public sealed record Told(CCAvenueNode Json) : Heard;

        /// <summary>They understood the question and have nothing.</summary>
        public sealed record Nothing : Heard;

        /// <summary>A no in their own shape: of the servlet itself, or of the command.</summary>
        public sealed record Refused(string Code, string Reason) : Heard;

        public sealed record NotSent(string Reason) : Heard;

        public sealed record Unknown(string Reason) : Heard;
    }

    public static async Task<Heard> Ask(
        GatewayAccount account, string command, string version, ReadOnlyMemory<byte> json, GatewayLine line, CancellationToken stop)
    {
        if (CCAvenueAccount.Api(account) is not { } cipher) return new Heard.NotSent("the account has no working key that fits its cipher");
        var form = Wire.Form(
        [
            new("enc_request", cipher.Encrypt(Encoding.UTF8.GetString(json.Span))),
            new("access_code", CCAvenueAccount.ApiCode(account)),
            new("command", command),
            new("request_type", "JSON"),
            new("response_type", "JSON"),
            new("version", version),
        ]);
        var request = new LineRequest(HttpMethod.Post, "apis/servlet/DoWebTrans", [], form, "application/x-www-form-urlencoded")
        {
            Unwrapped = text => Opened(text, cipher),
        };
        return await line.Send(request, stop) switch
        {
            LineReply.NotSent n => new Heard.NotSent(n.Reason),
            LineReply.Lost l => new Heard.Unknown(l.Reason),
            LineReply.Answered { Status: 200 } a => Read(a.Text, cipher, line),
            LineReply.Answered a => new Heard.Unknown($"HTTP {a.Status}"),
            _ => throw new InvalidOperationException("No such reply."),
        };
    }

    public static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return body.WrittenMemory;
    }

    /// <summary>Status 0 only says that the envelope was taken; what is inside may be an error of its own.</summary>
    static Heard Read(string answer, CCAvenueEncryption cipher, GatewayLine line)
    {
        var text = answer.Trim();
        switch (Wire.Field(text, "status"))
        {
            case "1" when Wire.Field(text, "enc_response") is { } reason:
                return Refusal(Wire.Field(text, "enc_error_code")?.Trim() ?? "", reason, line);
            case "0" when Wire.Field(text, "enc_response") is { } hex:
                if (cipher.Read(hex, CCAvenueNode.Parse) is not { } json)
                    return new Heard.Unknown(cipher.Decrypt(hex) is null ? "The answer cannot be decrypted." : "The answer is not JSON.");
                return json.ErrorCode is { } code ? Refusal(code, json.Text("error_desc", "reason") ?? "", line) : new Heard.Told(json);
            default: return new Heard.Unknown("The answer is not in their shape.");
        }
    }

    static Heard Refusal(string code, string reason, GatewayLine line) => NothingThere.Contains(code)
        ? new Heard.Nothing()
        : new Heard.Refused(code, line.Redact(Wire.Line($"{code}: {reason}", LongestReason)));

    /// <summary>What is recorded: the text inside, without the shopper's name and addresses.</summary>
    static string Opened(string text, CCAvenueEncryption cipher) => Ciphertext().Replace(text,
        found => (cipher.Read(found.Groups[2].Value, t => CCAvenueNode.Parse(t) is null ? null : t) ?? cipher.Decrypt(found.Groups[2].Value)) is { } plain ? found.Groups[1].Value + Personal().Replace(plain, $"$1\"{Redaction.Mark}\"") : found.Value);

    [GeneratedRegex("(enc_(?:request|response)=)([0-9A-Fa-f]+)")]
    private static partial Regex Ciphertext();

    [GeneratedRegex("(\"(?:order_ip|(?:order_)?(?:bill|ship|billing|delivery)_[a-z0-9_]+)\"\\s*:\\s*)(?:\"(?>(?:[^\"\\\\]|\\\\.)*)(?:\"|$)|[^,}\\]]*)", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex Personal();
}
