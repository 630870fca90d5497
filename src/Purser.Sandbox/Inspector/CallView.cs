using System.Text;

namespace Purser.Sandbox.Inspector;

/// <summary>A received call as people and programs may see it: without the secrets.</summary>
public sealed record CallView(
    long Number, DateTimeOffset At, string Call, string Method, string Path, IReadOnlyDictionary<string, string> Headers,
    string Body, int BodyBytes, string? Decoded, string? Fault, AnswerView? Answer, bool Ended)
{
    public static CallView Of(ReceivedCall received, IGatewayDialect dialect)
    {
        var call = received.Call;
        return new(
            received.Number, received.At, received.Name, call.Method, Secrecy.Text(received.Target),
            call.Headers.ToDictionary(h => h.Key, h => Secrecy.Header(h.Key, h.Value.ToString()), StringComparer.OrdinalIgnoreCase),
            Secrecy.Text(call.BodyText), received.BodyBytes,
            // The beginning of an encoded body cannot be decoded.
            received.BodyBytes == call.Body.Length && dialect.PlainWords(call) is { } words ? Secrecy.Text(words) : null,
            received.Fault, received.Answer is { } given ? AnswerView.Of(given) : null, received.Ended);
    }
}

/// <summary>What was answered, without the secrets.</summary>
public sealed record AnswerView(int Status, IReadOnlyDictionary<string, string> Headers, string Body, int BodyBytes, string? Decoded)
{
    internal static AnswerView Of(GivenAnswer given)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Content-Type"] = given.ContentType };
        foreach (var (name, value) in given.Headers) headers[name] = Secrecy.Header(name, value);
        return new(given.Status, headers, Secrecy.Text(Encoding.UTF8.GetString(given.Body)), given.BodyBytes, given.Meaning is null ? null : Secrecy.Text(given.Meaning));
    }
}
