using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Purser.Gateways;
using Purser.Payments;
using Purser.Sandbox;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>One of the sandbox's gateways, as it is, on the world's time: its links, money and words are its own. What it did is read from its links
/// and its book of true movements.</summary>
sealed class SandboxGateway : WorldGateway
{
    /// <summary>Whoever asks these about a link hears of its latest try, whatever came in on an earlier one.</summary>
    static readonly HashSet<string> TellsOfOneTry = ["payu"];

    /// <summary>Of two successes under one name these take the second back by themselves, which is no refund of ours. The people of this world do not pay
    /// a second time while they wait for the first.</summary>
    static readonly HashSet<string> TakesTheSecondBack = ["ccavenue"];

    const string FormType = "application/x-www-form-urlencoded";

    readonly IGatewayDialect dialect;
    readonly GatewayWorld own;
    /// <summary>The same gateway, which never heard of any link: it has the words for a link that is not to be seen yet.</summary>
    readonly GatewayWorld unknowing;
    readonly Dictionary<int, DateTimeOffset> hiddenUntil = [];
    readonly Dictionary<string, (int Order, WireAnswer Answer)> newest = new(StringComparer.Ordinal);
    readonly Dictionary<string, (int Order, WireAnswer Answer)> older = new(StringComparer.Ordinal);
    readonly Dictionary<string, (long At, WireAnswer Answer)> said = new(StringComparer.Ordinal);
    readonly Dictionary<string, Link> links = new(StringComparer.Ordinal);
    readonly Dictionary<string, DateTimeOffset> lastPosts = new(StringComparer.Ordinal);
    readonly Dictionary<string, PaymentLink.Form> forms = new(StringComparer.Ordinal);
    int linksSeen;
    int movementsSeen;
    bool catchingUp;
    /// <summary>What was asked last: whatever link turns up next was made by that.</summary>
    ReadOnlyMemory<byte> asking;

    public SandboxGateway(World world, Type dialect) : base(world, NameOf(dialect), $"{NameOf(dialect)}.test")
    {
        own = Open(dialect, (_, notice) => Told(notice));
        unknowing = Open(dialect, (_, _) => { });
        this.dialect = own.Dialect;
    }

    /// <summary>All that the sandbox has.</summary>
    public static IReadOnlyList<Type> Dialects { get; } =
    [
        .. typeof(IGatewayDialect).Assembly.GetTypes().Where(t => t is { IsAbstract: false, IsInterface: false } && t.IsAssignableTo(typeof(IGatewayDialect)))
            .OrderBy(NameOf, StringComparer.Ordinal),
    ];

    static readonly GatewayCatalog Adapters = new(typeof(IGateway).Assembly);

    /// <summary>Those whose link is a form that begins another try each time it is posted.</summary>
    public static IReadOnlyList<Type> FormDialects { get; } = [.. Dialects.Where(d => Adapters.TryFind(NameOf(d), out var adapter) && adapter.Profile.LinkIsForm)];

    /// <summary>How an account of it is set up.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Settings(Type dialect)
    {
        var gateway = (IGatewayDialect)Activator.CreateInstance(dialect)!;
        var path = $"Gateways:{gateway.Name}";
        return gateway.Credentials.Append(KeyValuePair.Create("webhook_secret", gateway.WebhookSecret)).Where(c => Adapters.TryFind(gateway.Name, out var adapter) && adapter.Profile.Settings.Any(s => s.Name == c.Key))
            .Select(c => KeyValuePair.Create($"{path}:{c.Key}", (string?)c.Value)).Concat(
            [
                // Of every other one the contract names no days.
                new($"{path}:Gateway", gateway.Name), .. gateway.Name.Length % 2 == 0 ? (KeyValuePair<string, string?>[])[] : [new($"{path}:SettlesAfterDays", "1")], new($"{path}:TestMode", "true"), new($"{path}:BaseUrl", $"https://{gateway.Name}.test/"),
            ]);
    }

    /// <summary>A form that was posted again since has a try of its own, whether or not anybody paid on it.</summary>
    public override bool QuestionsTellOf(WorldLink link, WorldTry money) =>
        !TellsOfOneTry.Contains(dialect.Name) || (link.Tries[^1] == money && !(lastPosts.GetValueOrDefault(link.Id) > money.At));

    public override bool KnowsRefundsByKey => dialect.Name != "ippopay";

    static string NameOf(Type dialect) => ((IGatewayDialect)Activator.CreateInstance(dialect)!).Name;

    GatewayWorld Open(Type type, Action<IGatewayDialect, GatewayNotice> courier) => new((IGatewayDialect)Activator.CreateInstance(type)!, new SandboxOptions
    {
        Clock = World.Time,
        Seed = (int)(World.Seed & int.MaxValue) >> 8,
        Courier = courier,
    })
    {
        Address = new Uri($"https://{Host}/"),
    };

    // Questions of ours.

    public override (Port Port, WorldLink? Link) Classify(HttpRequestMessage request, ReadOnlyMemory<byte> body) => dialect.CallName(Read(request, body)) switch
    {
        "inquire" => (Port.Inquire, null),
        "cancel" => (Port.CancelLink, null),
        "refund" => (Port.Refund, null),
        "inquire_refund" => (Port.InquireRefund, null),
        _ => (Port.OpenLink, null),
    };

    public override WireAnswer Handle(HttpRequestMessage request, ReadOnlyMemory<byte> body, Terms terms)
    {
        var call = Read(request, body);
        var name = dialect.CallName(call);
        var question = $"{call.Method} {request.RequestUri!.PathAndQuery} {Encoding.UTF8.GetString(body.Span)}";
        var hidden = name == "inquire" && Now < hiddenUntil.GetValueOrDefault(terms.Order);
        if (name == "inquire" && said.TryGetValue(question, out var before) && terms.View.AsOf <= before.At)
        {
            Answers.Add((terms.Order, Now, new DateTimeOffset(before.At, TimeSpan.Zero)));
            return before.Answer;
        }
        if (name == "inquire") Answers.Add((terms.Order, Now, hidden ? DateTimeOffset.MinValue : Now));
        asking = body;
        var answer = Written(Answer(hidden ? unknowing : own, call), terms.View.AmountOff + terms.LessBy);
        CatchUp();
        if (name == "create_link") World.Auditor.LinkAsked(Account, ReferenceIn(body.Span, terms.Order), null, body.Span);
        if (terms.HiddenFor > TimeSpan.Zero) hiddenUntil[terms.Order] = Now + terms.HiddenFor;
        if (newest.TryGetValue(name, out var last) && last.Order != terms.Order) older[name] = last;
        newest[name] = (terms.Order, answer);
        said[question] = (World.Time.Ticks, answer);
        return answer;
    }

    /// <summary>Which payment a link is asked for: the one whose reference stands in the request, as it is or in a token's payload.</summary>
    string ReferenceIn(ReadOnlySpan<byte> body, int order)
    {
        var text = Encoding.UTF8.GetString(body);
        if (text.Split('.') is [_, var payload, _] && Base64Url.IsValid(payload)) text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(payload));
        var row = World.Database.Orders.Values.Single(o => o.Index == order).Row;
        return row.Payments.Select(p => new PaymentId(row.Id, p.Number).Reference).First(r => text.Contains(r, StringComparison.Ordinal));
    }

    public override WireAnswer? OfAnother(HttpRequestMessage request, ReadOnlyMemory<byte> body, Port port, int order)
    {
        var name = dialect.CallName(Read(request, body));
        foreach (var told in new[] { newest.GetValueOrDefault(name), older.GetValueOrDefault(name) })
            if (told.Answer is not null && told.Order != order) return told.Answer;
        return null;
    }

    public override WireAnswer Trouble(int status, ulong lot) => Written(dialect.Trouble(status), 0);

    static Reply Answer(GatewayWorld gateway, Call call)
    {
        var answer = gateway.Dialect.Answer(call);
        return answer.IsCompleted ? answer.GetAwaiter().GetResult() : throw new InvalidOperationException($"{gateway.Dialect.Name} took its time over {call.Path}.");
    }

    WireAnswer Written(Reply reply, long amountOff)
    {
        if (amountOff > 0 && reply.Body is { } body) reply = reply with { Body = Sandbox.Wire.WithWrongAmounts(body, dialect.AmountFields) };
        return new WireAnswer(reply.Status, Encoding.UTF8.GetString(reply.Bytes), [.. reply.Headers]) { ContentType = reply.ContentType };
    }

    static Call Read(HttpRequestMessage request, ReadOnlyMemory<byte> body)
    {
        var headers = new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])) headers[name] = new StringValues([.. values]);
        return new Call(request.Method.Method, request.RequestUri!.AbsolutePath, QueryHelpers.ParseQuery(request.RequestUri.Query), headers, body.ToArray());
    }

    // The shopper's page.

    public override WorldLink? Follow(PaymentLink link)
    {
        var page = link switch
        {
            PaymentLink.Redirect redirect => new Uri(redirect.Url).AbsolutePath,
            PaymentLink.Form form => Posted(form),
            _ => null,
        };
        CatchUp();
        if (page is null || dialect.LinkByPage(page) is not { } found) return null;
        if (link is PaymentLink.Form posted) (lastPosts[found.Id], forms[found.Id]) = (Now, posted);
        // A form that came with the gateway's own answer asks for nothing.
        if (Adapters.TryFind(dialect.Name, out var adapter) && adapter.Profile.LinkIsForm && found.Reference is { } reference) World.Auditor.LinkAsked(Account, reference, null, asking.Span);
        return ById(found.Id);
    }

    /// <summary>A page can be paid on by those who have its address, and they have it from us.</summary>
    bool IsKnown(Link made) => PaymentId.TryParseReference(made.Reference ?? "", out var payment)
        && World.Database.Orders.GetValueOrDefault(payment.Order)?.Row.Payment(payment.Number)?.Link is { } link
        && (link is not PaymentLink.Redirect { Url: var url } || dialect.LinkByPage(new Uri(url).AbsolutePath)?.Id == made.Id);

    bool WouldBeTakenBack(Link made) => TakesTheSecondBack.Contains(dialect.Name) && ById(made.Id) is { } link && link.Tries.Exists(t => t.State.Now != TryState.Failed);

    /// <summary>Where the gateway sends a browser that posted its form.</summary>
    string? Posted(PaymentLink.Form form)
    {
        var url = new Uri(form.Url);
        var fields = string.Join('&', form.Fields.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(f.Value)}"));
        var headers = new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase) { ["Content-Type"] = FormType };
        asking = Encoding.UTF8.GetBytes(fields);
        var reply = Answer(own, new Call("POST", url.AbsolutePath, QueryHelpers.ParseQuery(url.Query), headers, asking.ToArray()));
        return reply.Headers.FirstOrDefault(h => h.Key == "Location").Value is { } to ? new Uri(url, to).AbsolutePath : null;
    }

    public override WorldTry? Decline(WorldLink link) => Visited(link) is var page && dialect.Decline(page) is { } id ? Try(link, TryState.Failed, id, link.Amount) : null;

    public override void Pay(WorldLink link)
    {
        var page = Visited(link);
        var less = World.Faults.At(Port.Page, link.Order) is (Fault.CapturedLess, var lot) ? 1 + (long)(lot % 500) : 0;
        var disputed = LetsBanksDispute.Contains(dialect.Name) && Chance.Of(World.Seed, 22, link.Order, link.Payment.Number) % 10 == 0 && !link.Tries.Exists(t => t.CapturedAt is not null);
        if (disputed) own.Set(new Dictionary<string, string> { ["aftermath"] = "Chargeback" });
        dialect.Capture(page, page.Amount - Math.Min(less, page.Amount - 1));
        if (!disputed) return;
        own.Set(new Dictionary<string, string>());
        World.Outside.Start(() => SeeDispute(link), World.Auditor.Threw);
    }

    /// <summary>These can be told to let the shopper's bank take money back after a while. Their book has no word for it; their own statement has.</summary>
    static readonly HashSet<string> LetsBanksDispute = ["ccavenue"];

    static readonly TimeSpan UntilDisputed = TimeSpan.FromMinutes(10.5);

    async Task SeeDispute(WorldLink link)
    {
        await World.Loop.Wait(UntilDisputed);
        foreach (var money in ById(link.Id)!.Tries.Where(t => t.CapturedAt is not null && !Disputes.Any(d => d.MoneyId == t.Id)))
            if (Report().Split('\n').Any(row => row.Contains("Chargeback", StringComparison.Ordinal) && row.Contains(money.Id, StringComparison.Ordinal)))
                Disputed(new WorldDispute($"chargeback-{money.Id}", link, money.Id, money.Amount, Money.Zero(money.Amount.Currency)));
    }

    public override WorldTry? PayLater(WorldLink link) => Visited(link) is var page && dialect.Begin(page) is { } id ? Try(link, TryState.UnderWay, id, link.Amount) : null;

    public override WorldTry? SeemsDeclined(WorldLink link) => Visited(link) is var page && dialect.BeginLate(page) is { } id ? Try(link, TryState.UnderWay, id, link.Amount, seemsDeclined: true) : null;

    public override void Settle(WorldLink link, WorldTry attempt, bool captured)
    {
        if (!captured) attempt.State.Become(World.Time.Ticks, TryState.Failed);
        dialect.Finish(links[link.Id], attempt.Id, captured);
    }

    public override RawMessage Return(WorldLink link, bool wishful)
    {
        var (page, money) = (Newest(links[link.Id]), link.Tries.LastOrDefault()?.Id);
        var back = (wishful ? dialect.CancelReturn(page) : null) ?? dialect.Return(page, money) ?? new BrowserReturn(link.ReturnUrl);
        var url = new Uri(new Uri("https://pay.test"), back.Url);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (back.Form is not null) headers["Content-Type"] = FormType;
        var body = back.Form is null ? "" : string.Join('&', back.Form.Select(f => $"{Uri.EscapeDataString(f.Key)}={Uri.EscapeDataString(f.Value)}"));
        return new RawMessage(back.Form is null ? "GET" : "POST", url.AbsolutePath, url.Query, headers, Encoding.UTF8.GetBytes(body), Now);
    }

    /// <summary>The page as the shopper sees it. From one that takes no try any more the shopper goes back, where the old tab still has the form.</summary>
    Link Visited(WorldLink link)
    {
        var page = Newest(links[link.Id]);
        if (page is { Payable: false, PayableAgain: true } && forms.TryGetValue(link.Id, out var form))
        {
            Follow(form);
            page = Newest(page);
        }
        dialect.Visit(page);
        return page;
    }

    /// <summary>Where a form that is posted again leads to another page under the same name, that one.</summary>
    Link Newest(Link made) => made.Reference is { } reference && dialect.LinkByReference(reference) is { } now && now.Id == made.Id ? now : made;

    // News.

    /// <summary>Nobody can tell these from a stranger's, so they are refused and questions find what they say.</summary>
    static readonly HashSet<(string, string)> Unsigned = [("payu", "refund"), ("payu", "refund_arn")];

    void Told(GatewayNotice notice)
    {
        CatchUp();
        var link = notice.LinkId is { } id ? ById(id) : null;
        if (link is null || Unsigned.Contains((dialect.Name, notice.Type))) return;
        var text = notice.Payload.ToJsonString(Sandbox.Wire.Compact);
        var money = link.Tries.LastOrDefault(t => t.CapturedAt is not null && text.Contains(t.Id, StringComparison.Ordinal))?.Id;
        // A second capture may be told of by its news alone, so these arrive in the end, and without a lie in their place.
        var second = link.Tries.Count(t => t.CapturedAt is not null) > 1;
        Tell(new Notice(notice.Type, link, Render, MustArrive: second, Money: money) { EventId = notice.EventId });

        string Render(string eventId, View view)
        {
            var told = eventId == notice.EventId ? text : text.Replace(notice.EventId, eventId, StringComparison.Ordinal);
            return view.AmountOff == 0 ? told : Sandbox.Wire.WithWrongAmounts(JsonNode.Parse(told)!, dialect.AmountFields).ToJsonString(Sandbox.Wire.Compact);
        }
    }

    public override Letter Pack(string text, string eventId, bool rightly)
    {
        var message = dialect.Webhook((JsonObject)JsonNode.Parse(text)!, eventId, [rightly ? dialect.WebhookSecret : "forged_in_this_world_0123456789ab"]);
        var headers = new Dictionary<string, string>(message.Headers, StringComparer.OrdinalIgnoreCase) { ["Content-Type"] = message.ContentType };
        return new Letter(message.Body, headers);
    }

    public override string Stray(Notice notice, string eventId, string reference) =>
        Sandbox.Wire.AboutAStranger(JsonNode.Parse(notice.Render(eventId, new View(World.Time.Ticks)))!, dialect.IdentityFields).ToJsonString(Sandbox.Wire.Compact);

    public override string Report() => Encoding.UTF8.GetString(dialect.Settlement(own.Book.Movements)!.Content);

    // The truth.

    protected override void CatchUp()
    {
        if (catchingUp) return;
        catchingUp = true;
        foreach (var made in dialect.Links().Skip(linksSeen).ToList())
        {
            linksSeen++;
            links[made.Id] = made;
            var payment = PaymentId.TryParseReference(made.Reference ?? "", out var known) ? known : default;
            var link = new WorldLink(made.Id, made.Reference ?? made.Id, World.Database.IndexOf(payment.Order), payment, new Money(made.Amount, Currency.Find(made.Currency.ToUpperInvariant())),
                made.CreatedAt, made.ExpiresAt ?? DateTimeOffset.MaxValue, $"https://pay.test/pay/{payment}")
            {
                Url = made.Url ?? "",
                Takes = () => Newest(made).PayableAgain && IsKnown(made) && !WouldBeTakenBack(made),
                Lives = () => Newest(made).PayableAgain,
            };
            World.Auditor.LinkAsked(Account, link.Reference, link.Amount, asking.Span);
            Add(link);
        }
        foreach (var movement in own.Book.Movements.Skip(movementsSeen).ToList())
        {
            movementsSeen++;
            var amount = new Money(movement.Amount, Currency.Find(movement.Currency.ToUpperInvariant()));
            if (movement.Kind == "refunded") GaveBack(movement.MoneyId, amount);
            if (movement.Kind != "captured" || ById(movement.LinkId) is not { } link) continue;
            var attempt = link.Tries.Find(t => t.Id == movement.MoneyId && t.Amount == amount) ?? Try(link, TryState.UnderWay, movement.MoneyId, amount);
            Captured(link, attempt);
        }
        catchingUp = false;
    }
}
