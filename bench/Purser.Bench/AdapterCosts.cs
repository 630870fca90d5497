using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Purser.Gateways;
using Purser.Orders;
using Purser.Sandbox;

namespace Purser.Bench;

/// <summary>What each adapter costs by itself: the same call again and again over the production line, with the answers of its sandbox gateway played
/// back from memory. Writing, signing, checking, reading, redaction and recording; no sockets, no waiting.</summary>
static class AdapterCosts
{
    /// <param name="Microseconds">Of one core, for one call.</param>
    /// <param name="Kilobytes">Allocated for one call.</param>
    public sealed record Cost(double Microseconds, double Kilobytes);

    /// <param name="Webhook">Null at a gateway that has none.</param>
    public sealed record Row(string Gateway, Cost OpenLink, Cost Inquire, Cost? Webhook);

    public static async Task<List<Row>> Measure(int calls)
    {
        var rows = new List<Row>();
        var adapters = new GatewayCatalog(typeof(IGateway).Assembly);
        foreach (var type in typeof(IGatewayDialect).Assembly.GetTypes().Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IGatewayDialect))))
            if (Activator.CreateInstance(type) is IGatewayDialect dialect && adapters.Gateways.FirstOrDefault(g => g.Profile.Name == dialect.Name) is { } gateway)
                rows.Add(await Of(dialect, gateway, calls));
        return [.. rows.OrderBy(r => r.Gateway, StringComparer.Ordinal)];
    }

    static async Task<Row> Of(IGatewayDialect dialect, IGateway gateway, int calls)
    {
        GatewayNotice? told = null;
        using var world = new GatewayWorld(dialect, new SandboxOptions { Seed = 1, Courier = (_, notice) => told = notice }) { Address = new Uri($"https://{dialect.Name}.test/") };
        var account = new GatewayAccount(dialect.Name, dialect.Name, world.Address,
            dialect.Credentials.ToImmutableDictionary().SetItem("webhook_secret", dialect.WebhookSecret))
        {
            TestMode = true,
        };
        var tape = new Tape(world);
        using var lines = new GatewayLines(tape);

        var now = world.Now;
        var link = new LinkCall(account, new PaymentId(new OrderId(1L << 40), 1), new Money(49900, gateway.Profile.Currencies.Contains("INR") ? Currency.Find("INR") : Currency.Find("USD")),
            "Order 42", new Customer("Asha Rao", "asha@example.test", "+919000000001"), null, "https://pay.test/r?token=a.b", now.AddHours(1), now);
        var open = await gateway.OpenLink(link, lines.Open(account, gateway.Profile), default);
        var opened = (open as GatewayAnswer.Done)?.Facts.OfType<Evidence.LinkOpened>().SingleOrDefault() ?? throw new InvalidOperationException($"{dialect.Name} opened no link: {open}");
        if (opened.Link is Payments.PaymentLink.Form form) await tape.Post(form);
        var page = dialect.LinkByReference(link.Payment.Reference) ?? dialect.Links().First();
        dialect.Visit(page);
        dialect.Capture(page, page.Amount);

        var question = new InquireCall(account, link.Payment, opened.GatewayReference, link.Amount, now, now);
        tape.Phase = "inquire";
        if (await gateway.Inquire(question, lines.Open(account, gateway.Profile), default) is not GatewayAnswer.Done) throw new InvalidOperationException($"{dialect.Name} answered no question.");
        tape.Playing = true;

        var inquired = await Timed(calls, () => gateway.Inquire(question, lines.Open(account, gateway.Profile), default));
        tape.Phase = "open";
        var linked = await Timed(calls, () => gateway.OpenLink(link, lines.Open(account, gateway.Profile), default));
        return new Row(dialect.Name, linked, inquired, told is null ? null : await Webhook(gateway, dialect, account, told, tape, calls));
    }

    static async Task<Cost?> Webhook(IGateway gateway, IGatewayDialect dialect, GatewayAccount account, GatewayNotice told, Tape tape, int calls)
    {
        var sent = dialect.Webhook(told.Payload, told.EventId, [dialect.WebhookSecret]);
        var headers = new Dictionary<string, string>(sent.Headers, StringComparer.OrdinalIgnoreCase) { ["Content-Type"] = sent.ContentType };
        var message = new RawMessage("POST", $"/gateways/{account.Name}/webhook", "", headers, sent.Body, TimeProvider.System.GetUtcNow());
        if (gateway is INeedPublished needs && needs.Published(message, account) is { } address) message = message with { Published = await tape.Fetch(address) };
        return gateway.ReadWebhook(message, account) is NewsReading.Genuine ? await Timed(calls, () => Task.FromResult(gateway.ReadWebhook(message, account))) : null;
    }

    static async Task<Cost> Timed<T>(int calls, Func<Task<T>> call)
    {
        for (var i = 0; i < calls / 2; i++) await call();
        var (bytes, since) = (GC.GetTotalAllocatedBytes(precise: true), Stopwatch.GetTimestamp());
        for (var i = 0; i < calls; i++) await call();
        var took = Stopwatch.GetElapsedTime(since);
        return new Cost(took.TotalMicroseconds / calls, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / 1024.0 / calls);
    }

    /// <summary>Carries requests to the sandbox gateway and remembers its answers; then gives those.</summary>
    sealed class Tape(GatewayWorld world) : HttpMessageHandler
    {
        readonly Dictionary<string, (int Status, string ContentType, byte[] Body)> answers = new(StringComparer.Ordinal);

        public string Phase { get; set; } = "open";

        public bool Playing { get; set; }

        public Task<Sandbox.Reply> Post(Payments.PaymentLink.Form form) => world.Dialect.Answer(Read(HttpMethod.Post, new Uri(form.Url), new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase)
        {
            ["Content-Type"] = "application/x-www-form-urlencoded",
        }, Encoding.UTF8.GetBytes(string.Join('&', form.Fields.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(f.Value)}")))));

        public async Task<ReadOnlyMemory<byte>> Fetch(Uri address) => (await world.Dialect.Answer(Read(HttpMethod.Get, address, new Dictionary<string, StringValues>(), []))).Bytes;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
            // A question of the first phase, such as the one for an access token, is not asked again while its answer lasts.
            var (asked, earlier) = ($"{Phase} {request.Method} {request.RequestUri}", $"open {request.Method} {request.RequestUri}");
            if (!Playing || (!answers.ContainsKey(asked) && !answers.ContainsKey(earlier)))
            {
                var headers = new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase);
                foreach (var (name, values) in request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])) headers[name] = new StringValues([.. values]);
                var reply = await world.Dialect.Answer(Read(request.Method, request.RequestUri!, headers, body));
                answers[asked] = (reply.Status, reply.ContentType, reply.Bytes);
            }
            var (status, type, bytes) = answers.TryGetValue(asked, out var known) ? known : answers[earlier];
            var answer = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent(bytes) };
            answer.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            return answer;
        }

        static Call Read(HttpMethod method, Uri address, Dictionary<string, StringValues> headers, byte[] body) =>
            new(method.Method, address.AbsolutePath, QueryHelpers.ParseQuery(address.Query), headers, body);
    }
}
