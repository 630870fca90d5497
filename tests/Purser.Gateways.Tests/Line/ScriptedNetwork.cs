using System.Net;
using System.Text;

namespace Purser.Gateways.Tests.Line;

/// <summary>What left us, as the network saw it.</summary>
public sealed record Sent(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body);

/// <summary>A network in memory: answers each request by a script and remembers all of them.</summary>
public sealed class ScriptedNetwork(Func<Sent, CancellationToken, Task<HttpResponseMessage>> script, bool readsContent = true) : HttpMessageHandler
{
    public ScriptedNetwork(Func<Sent, HttpResponseMessage> script) : this((sent, _) => Task.FromResult(script(sent))) { }

    public List<Sent> Sent { get; } = [];

    public static HttpResponseMessage Answer(string body, int status = 200, params (string Name, string Value)[] headers)
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers) answer.Headers.TryAddWithoutValidation(name, value);
        return answer;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content is null || !readsContent ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var sent = new Sent(
            request.Method.Method, request.RequestUri!.PathAndQuery,
            request.Headers.NonValidated.Concat(request.Content?.Headers.NonValidated ?? default)
                .ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body);
        lock (Sent) Sent.Add(sent);
        return await script(sent, cancellationToken);
    }
}
