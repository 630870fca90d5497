using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>Checkout Sessions as Stripe's documents describe them: one session and one payment intent for each Idempotency-Key, found
/// again by listing; a session is open, complete or expired.</summary>
sealed class StripeWorld(World world, string account, string secret) : WrittenGateway(world, account, "api.stripe.com")
{
    const string Sessions = "/v1/checkout/sessions";
    readonly Dictionary<string, (byte[] Body, WireAnswer Answer)> answered = new(StringComparer.Ordinal);
    readonly HashSet<WorldLink> complete = [];

    protected override string Collection => Sessions;
    protected override string LinkPrefix => "cs_test_";
    protected override string TryPrefix => "pi_";
    protected override string RefundPrefix => "re_";
    const string RefundPath = "/v1/refunds";

    protected override string ReportHead =>
        "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,payment_intent_id,payment_metadata[payment],refund_metadata[refund]\n";

    protected override string Row(string id, string payment, string? refund, Money gross, Money fee, string of) => string.Create(CultureInfo.InvariantCulture,
        $"po_{Now:yyyyMMdd},{Now:yyyy-MM-dd} 00:00:00,txn_{id},{Now:yyyy-MM-dd HH:mm:ss},{gross.Currency.Code.ToLowerInvariant()},{Major(gross.MinorUnits)},{Major(fee.MinorUnits)},{Major(gross.MinorUnits - fee.MinorUnits)},{(refund is null ? "charge" : "refund")},{id},{of},{payment},{refund}\n");

    protected override string ReturnedRow(WrittenRefund refund) => string.Create(CultureInfo.InvariantCulture,
        $"po_{Now:yyyyMMdd},{Now:yyyy-MM-dd} 00:00:00,txn_{refund.Id}_back,{Now:yyyy-MM-dd HH:mm:ss},{refund.Amount.Currency.Code.ToLowerInvariant()},{Major(refund.Amount.MinorUnits)},0.00,{Major(refund.Amount.MinorUnits)},refund_failure,{refund.Id},{refund.Money.Id},{refund.PaymentReference},{refund.Reference}\n");

    protected override string DisputePrefix => "du_";
    protected override bool TakesBack => true;

    protected override string Row(WorldDispute dispute, bool back, bool named)
    {
        var (gross, fee) = (back ? dispute.Amount.MinorUnits : -dispute.Amount.MinorUnits, back ? 0 : dispute.Fee.MinorUnits);
        return string.Create(CultureInfo.InvariantCulture,
            $"po_{Now:yyyyMMdd},{Now:yyyy-MM-dd} 00:00:00,txn_{dispute.Id}{(back ? "_back" : "")},{Now:yyyy-MM-dd HH:mm:ss},{dispute.Amount.Currency.Code.ToLowerInvariant()},{Major(gross)},{Major(fee)},{Major(gross - fee)},{(back ? "dispute_reversal" : "dispute")},{dispute.Id},{dispute.MoneyId},{(named ? dispute.Link.Reference : "")},\n");
    }

    protected override void TellDispute(WorldDispute dispute, DisputeState then)
    {
        var (type, status) = then switch
        {
            DisputeState.Won => ("charge.dispute.closed", "won"),
            DisputeState.Lost => ("charge.dispute.closed", "lost"),
            _ => ("charge.dispute.created", "needs_response"),
        };
        Tell(new Notice(type, dispute.Link, (id, view) => Event(id, type,
            $$$"""{"id":"{{{dispute.Id}}}","object":"dispute","amount":{{{dispute.Amount.MinorUnits}}},"currency":"{{{dispute.Amount.Currency.Code.ToLowerInvariant()}}}","charge":"ch_{{{dispute.MoneyId[3..]}}}","payment_intent":"{{{dispute.MoneyId}}}","reason":"fraudulent","status":"{{{(view.UnknownWord ? "under_a_stone" : status)}}}","created":{{{NowSeconds}}}}"""))
        { Fact = dispute.Fact(then) });
    }

    static WireAnswer ServerError => new(500, """{"error":{"type":"api_error","message":"An error occurred."}}""");

    public override WireAnswer Trouble(int status, ulong lot) => status == 429 ? RateLimited(lot) : ServerError with { Status = status };

    static WireAnswer RateLimited(ulong lot) => lot % 2 == 0
        ? new(429, """{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Too many requests."}}""", [new("Stripe-Rate-Limited-Reason", "global-rate")])
        : new(429, """{"error":{"type":"invalid_request_error","code":"lock_timeout","message":"This object cannot be accessed right now."}}""");

    protected override (Port Port, WorldLink? Link) Classify(HttpMethod method, string path) => path.Split('?')[0] switch
    {
        Sessions when method == HttpMethod.Post => (Port.OpenLink, null),
        Sessions => (Port.Inquire, null),
        RefundPath when method == HttpMethod.Post => (Port.Refund, null),
        RefundPath => (Port.InquireRefund, null),
        var p when p.StartsWith(RefundPath, StringComparison.Ordinal) => (Port.InquireRefund, RefundById(p.Split('/')[3])?.Link),
        var p when p.EndsWith("/expire", StringComparison.Ordinal) => (Port.CancelLink, Visible(p.Split('/')[4])),
        var p => (Port.Inquire, Visible(p.Split('/')[4])),
    };

    protected override WireAnswer Handle(HttpMethod method, string path, ReadOnlyMemory<byte> body, HttpRequestMessage request, Terms terms)
    {
        var (port, link) = Classify(method, path);
        if (port == Port.OpenLink) return Create(body, request, terms);
        if (path.StartsWith($"{Sessions}?", StringComparison.Ordinal)) return List(path[(Sessions.Length + 1)..], terms.View);
        if (port == Port.Refund) return GiveBack(body, request, terms);
        if (path.StartsWith($"{RefundPath}/", StringComparison.Ordinal)) return RefundById(path.Split('/')[3]) is { } refund
            ? new WireAnswer(200, Refund(refund))
            : new WireAnswer(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such refund","param":"id"}}""");
        if (port == Port.InquireRefund) return new WireAnswer(200,
            $$"""{"object":"list","url":"/v1/refunds","has_more":false,"data":[{{string.Join(',', RefundsOf(path.Split('?')[1].Split('&')[0]["payment_intent=".Length..]).Reverse().Select(Refund))}}]}""");
        if (link is null) return new WireAnswer(404, """{"error":{"type":"invalid_request_error","code":"resource_missing","message":"No such checkout.session","param":"session"}}""");
        if (port != Port.CancelLink) return new WireAnswer(200, Session(link, terms.View, expanded: path.Contains("expand", StringComparison.Ordinal)));
        if (complete.Contains(link) || !Close(link))
            return new WireAnswer(400, """{"error":{"type":"invalid_request_error","message":"Only Checkout Sessions with a status in [\"open\"] can be expired."}}""");
        TellExpired(link);
        return new WireAnswer(200, Session(link, terms.View));
    }

    WireAnswer Create(ReadOnlyMemory<byte> body, HttpRequestMessage request, Terms terms)
    {
        var key = request.Headers.GetValues("Idempotency-Key").Single();
        if (answered.TryGetValue(key, out var before))
        {
            World.Auditor.LinkAsked(Account, key.Split(':')[0], null, body.Span);
            return before.Body.AsSpan().SequenceEqual(body.Span)
                ? before.Answer with { Body = Again(before.Answer, key, terms.View) }
                : new WireAnswer(400, """{"error":{"type":"idempotency_error","message":"Keys for idempotent requests can only be used with the same parameters."}}""");
        }
        var wish = Fields(body);
        var expires = DateTimeOffset.FromUnixTimeSeconds(long.Parse(wish["expires_at"]));
        if (expires < Now + TimeSpan.FromMinutes(30) || expires > Now + TimeSpan.FromHours(24))
            return new WireAnswer(400, """{"error":{"type":"invalid_request_error","message":"The `expires_at` timestamp must be between 30 minutes and 24 hours from now.","param":"expires_at"}}""");
        var amount = new Money(long.Parse(wish["line_items[0][price_data][unit_amount]"]), Currency.Find(wish["line_items[0][price_data][currency]"].ToUpperInvariant()));
        var link = Make(wish["client_reference_id"], amount, expires, wish["success_url"], body.Span, terms, unique: false)!;
        var answer = new WireAnswer(200, Session(link, terms.View));
        answered.Add(key, (body.ToArray(), answer));
        return answer;
    }

    WireAnswer GiveBack(ReadOnlyMemory<byte> body, HttpRequestMessage request, Terms terms)
    {
        var key = request.Headers.GetValues("Idempotency-Key").Single();
        if (answered.TryGetValue(key, out var before))
            return before.Body.AsSpan().SequenceEqual(body.Span)
                ? before.Answer
                : new WireAnswer(400, """{"error":{"type":"idempotency_error","message":"Keys for idempotent requests can only be used with the same parameters."}}""");
        var wish = Fields(body);
        var made = GiveBack(wish["payment_intent"], long.Parse(wish["amount"]), wish["metadata[refund]"], wish["metadata[payment]"], body.Span, terms);
        var answer = made is null
            ? new WireAnswer(400, """{"error":{"type":"invalid_request_error","code":"charge_already_refunded","message":"The refund amount is greater than what is left of the charge."}}""")
            : new WireAnswer(200, Refund(made));
        answered.Add(key, (body.ToArray(), answer));
        return answer;
    }

    static string Refund(WrittenRefund r) =>
        $$$"""{"id":"{{{r.Id}}}","object":"refund","amount":{{{r.Amount.MinorUnits}}},"currency":"{{{r.Amount.Currency.Code.ToLowerInvariant()}}}","payment_intent":"{{{r.Money.Id}}}","metadata":{{{(r.Reference.Length == 0 ? "{}" : $$"""{"payment":"{{r.PaymentReference}}","refund":"{{r.Reference}}"}""")}}},"status":"{{{r.State switch { RefundState.Done => "succeeded", RefundState.Failed => "failed", _ => "pending" }}}}","created":{{{r.At.ToUnixTimeSeconds()}}}}""";

    protected override void TellRefund(WrittenRefund refund)
    {
        var type = refund.State == RefundState.Done ? "refund.updated" : "refund.failed";
        var said = Refund(refund);
        Tell(new Notice(type, refund.Link, (id, _) => Event(id, type, said)) { Fact = WorldReturn.Fact(refund.Id, refund.State) });
    }

    /// <summary>A repetition gets the first answer, unless this time the answer itself is tampered with.</summary>
    string Again(WireAnswer first, string key, View view) =>
        view.AmountOff == 0 && !view.UnknownWord ? first.Body : Session(ByReference(key.Split(':')[0])!, view with { AsOf = 0 });

    WireAnswer List(string query, View view)
    {
        var least = long.Parse(query.Split('&').Single(f => f.StartsWith("created%5Bgte%5D=", StringComparison.Ordinal))[17..]);
        var after = query.Split('&').FirstOrDefault(f => f.StartsWith("starting_after=", StringComparison.Ordinal))?[15..];
        var page = new List<string>();
        var skipping = after is not null;
        var more = false;
        for (var i = Links.Count - 1; i >= 0; i--)
        {
            var link = Links[i];
            if (skipping)
            {
                skipping = link.Id != after;
                continue;
            }
            if (link.At.ToUnixTimeSeconds() < least) break;
            if (link.VisibleFrom > Now) continue;
            if (page.Count == 100)
            {
                more = true;
                break;
            }
            page.Add(Session(link, view));
        }
        return new WireAnswer(200, $$"""{"object":"list","url":"/v1/checkout/sessions","has_more":{{(more ? "true" : "false")}},"data":[{{string.Join(',', page)}}]}""");
    }

    /// <summary>One intent for each session, whatever the number of tries.</summary>
    protected override string TryId(WorldLink link) => IntentId(link);

    static string IntentId(WorldLink link) => $"pi_{link.Id[8..]}";

    /// <summary>A declined intent takes no more money.</summary>
    public override WorldTry? SeemsDeclined(WorldLink link)
    {
        Decline(link);
        return null;
    }

    protected override void BecomesUnderWay(WorldLink link)
    {
        // Whoever submitted an asynchronous method is through with the page, and the session can no longer expire.
        complete.Add(link);
        link.State.Become(World.Time.Ticks, LinkState.Paid);
    }

    protected override void TellDeclined(WorldLink link, WorldTry attempt) =>
        Tell(new Notice("payment_intent.payment_failed", link, (id, view) => Event(id, "payment_intent.payment_failed", Intent(link, attempt, view, TryState.Failed))));

    protected override void TellUnderWay(WorldLink link, WorldTry attempt)
    {
        var then = World.Time.Ticks;
        Tell(new Notice("checkout.session.completed", link, (id, view) => Event(id, "checkout.session.completed", Session(link, view with { AsOf = then }))));
    }

    protected override void TellFailed(WorldLink link, WorldTry attempt)
    {
        var then = World.Time.Ticks;
        Tell(new Notice("checkout.session.async_payment_failed", link,
            (id, view) => Event(id, "checkout.session.async_payment_failed", Session(link, view with { AsOf = then }))));
    }

    protected override void TellCaptured(WorldLink link, WorldTry attempt, bool first)
    {
        var then = World.Time.Ticks;
        var type = complete.Contains(link) ? "checkout.session.async_payment_succeeded" : "checkout.session.completed";
        complete.Add(link);
        Tell(new Notice("payment_intent.succeeded", link, (id, view) => Event(id, "payment_intent.succeeded", Intent(link, attempt, view, TryState.Captured))));
        Tell(new Notice(type, link, (id, view) => Event(id, type, Session(link, view with { AsOf = then }))));
    }

    protected override void TellExpired(WorldLink link)
    {
        var then = World.Time.Ticks;
        Tell(new Notice("checkout.session.expired", link, (id, view) => Event(id, "checkout.session.expired", Session(link, view with { AsOf = then }))));
    }

    protected override Dictionary<string, string> Sign(string eventId, byte[] body, bool rightly)
    {
        var stamp = Encoding.UTF8.GetBytes($"{NowSeconds}.");
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(rightly ? secret : "whsec_a_guess"), (byte[])[.. stamp, .. body]);
        return new(StringComparer.OrdinalIgnoreCase)
        {
            ["Content-Type"] = "application/json; charset=utf-8",
            ["Stripe-Signature"] = $"t={NowSeconds},v1={Convert.ToHexStringLower(signature)}",
        };
    }

    protected override string Stray(string eventId, string reference) => Event(eventId, "payment_intent.succeeded",
        $$$"""{"id":"pi_stray{{{eventId}}}","object":"payment_intent","status":"succeeded","amount":777,"amount_received":777,"currency":"inr","created":{{{NowSeconds}}},"metadata":{"payment":"{{{reference}}}"}}""");

    string Event(string id, string type, string about) =>
        $$$"""{"id":"{{{id}}}","object":"event","api_version":"2026-10-28.endive","created":{{{NowSeconds}}},"livemode":false,"pending_webhooks":1,"type":"{{{type}}}","data":{"object":{{{about}}}}}""";

    static string Intent(WorldLink link, WorldTry attempt, View view, TryState? then = null)
    {
        var state = then ?? attempt.State.At(view.AsOf);
        var word = view.UnknownWord ? "requires_review" : state switch { TryState.Captured => "succeeded", TryState.Failed => "requires_payment_method", _ => "processing" };
        var money = state == TryState.Captured ? view.Amount(attempt.Amount) : 0;
        var error = state == TryState.Failed ? """{"code":"card_declined","decline_code":"insufficient_funds"}""" : "null";
        return $$$$"""{"id":"{{{{IntentId(link)}}}}","object":"payment_intent","status":"{{{{word}}}}","amount":{{{{view.Amount(attempt.Amount)}}}},"amount_received":{{{{money}}}},"currency":"{{{{attempt.Amount.Currency.Code.ToLowerInvariant()}}}}","created":{{{{link.At.ToUnixTimeSeconds()}}}},"metadata":{"payment":"{{{{link.Reference}}}}"},"last_payment_error":{{{{error}}}},"latest_charge":{"id":"ch_{{{{attempt.Id[3..]}}}}","created":{{{{attempt.At.ToUnixTimeSeconds()}}}},"payment_method_details":{"type":"card"}}}""";
    }

    string Session(WorldLink link, View view, bool expanded = false)
    {
        var last = link.Tries.LastOrDefault(t => t.At.UtcTicks <= view.AsOf);
        var captured = last?.State.At(view.AsOf) == TryState.Captured;
        var status = link.State.At(view.AsOf) switch { LinkState.Open => "open", LinkState.Paid => "complete", _ => captured ? "complete" : "expired" };
        var total = link.Amount;
        var intent = last is null ? "null" : expanded ? Intent(link, last, view) : $"\"{IntentId(link)}\"";
        return $$"""{"id":"{{link.Id}}","object":"checkout.session","amount_subtotal":{{view.Amount(total)}},"amount_total":{{view.Amount(total)}},"client_reference_id":"{{link.Reference}}","created":{{link.At.ToUnixTimeSeconds()}},"currency":"{{link.Amount.Currency.Code.ToLowerInvariant()}}","expires_at":{{link.ExpiresAt.ToUnixTimeSeconds()}},"livemode":false,"metadata":{"payment":"{{link.Reference}}"},"mode":"payment","payment_intent":{{intent}},"payment_status":"{{(captured ? "paid" : "unpaid")}}","status":"{{(view.UnknownWord ? "in_review" : status)}}","ui_mode":"hosted","url":{{(status == "open" ? $"\"{link.Url}\"" : "null")}}}""";
    }
}
