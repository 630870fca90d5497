using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>Payment links as Razorpay's documents describe them: a reference is unique, tries hang on the link's order, a failed try may
/// still be captured later.</summary>
sealed class RazorpayWorld(World world, string account, string secret) : WrittenGateway(world, account, "api.razorpay.com")
{
    const string Links1 = "/v1/payment_links";

    protected override string Collection => Links1;
    protected override string LinkPrefix => "plink_";
    protected override string TryPrefix => "pay_";
    protected override string RefundPrefix => "rfnd_";

    protected override string ReportHead =>
        "entity_id,type,debit,credit,amount,currency,fee,tax,on_hold,settled,created_at,settled_at,settlement_id,notes,payment_id,settlement_utr,order_receipt,method,dispute_id\n";

    protected override string Row(string id, string payment, string? refund, Money gross, Money fee, string of)
    {
        var (at, back) = (Now.ToOffset(new TimeSpan(5, 30, 0)).ToString("dd/MM/yyyy HH:mm:ss", CultureInfo.InvariantCulture), refund is not null);
        var notes = refund is { Length: > 0 } ? $"\"{{\"\"payment\"\":\"\"{payment}\"\",\"\"refund\"\":\"\"{refund}\"\"}}\"" : "";
        return $"{id},{(back ? "refund" : "payment")},{Major(back ? -gross.MinorUnits : 0)},{Major(back ? 0 : gross.MinorUnits - fee.MinorUnits)},{Major(Math.Abs(gross.MinorUnits))},"
            + $"{gross.Currency.Code},{Major(fee.MinorUnits)},0.00,False,True,{at},{at},setl_{at[..2]},{notes},{(back ? of : "")},UTR{at[..2]},{(back ? "" : payment)},upi,\n";
    }

    /// <summary>Under the refund's own name, with the sides the other way round.</summary>
    protected override string ReturnedRow(WrittenRefund refund)
    {
        var at = Now.ToOffset(new TimeSpan(5, 30, 0)).ToString("dd/MM/yyyy HH:mm:ss", CultureInfo.InvariantCulture);
        return $"{refund.Id},refund,0.00,{Major(refund.Amount.MinorUnits)},{Major(refund.Amount.MinorUnits)},{refund.Amount.Currency.Code},0.00,0.00,False,True,{at},{at},setl_{at[..2]},"
            + $"\"{{\"\"payment\"\":\"\"{refund.PaymentReference}\"\",\"\"refund\"\":\"\"{refund.Reference}\"\"}}\",{refund.Money.Id},UTR{at[..2]},,upi,\n";
    }

    protected override string DisputePrefix => "disp_";
    protected override bool NamesDisputes => true;

    protected override string Row(WorldDispute dispute, bool back, bool named)
    {
        var (at, amount, fee) = (Now.ToOffset(new TimeSpan(5, 30, 0)).ToString("dd/MM/yyyy HH:mm:ss", CultureInfo.InvariantCulture), dispute.Amount.MinorUnits, back ? 0 : dispute.Fee.MinorUnits);
        return $"adj_{dispute.Id}{(back ? "b" : "")},adjustment,{Major(back ? 0 : amount + fee)},{Major(back ? amount : 0)},{Major(amount)},{dispute.Amount.Currency.Code},{Major(fee)},0.00,"
            + $"False,True,{at},{at},setl_{at[..2]},,{dispute.MoneyId},UTR{at[..2]},{(named ? dispute.Link.Reference : "")},,{dispute.Id}\n"
            // What the answer to the bank costs is a row of its own, which belongs to no payment.
            + (back || fee == 0 ? "" : $"adj_{dispute.Id}c,adjustment,1.00,0.00,1.00,{dispute.Amount.Currency.Code},0.00,0.00,False,True,{at},{at},setl_{at[..2]},,,UTR{at[..2]},,,\n");
    }

    protected override void TellDispute(WorldDispute dispute, DisputeState then)
    {
        var (type, status) = then switch
        {
            DisputeState.Won => ("payment.dispute.won", "won"),
            DisputeState.Lost => ("payment.dispute.lost", "lost"),
            _ => ("payment.dispute.created", "open"),
        };
        var money = dispute.Link.Tries.First(t => t.Id == dispute.MoneyId && t.CapturedAt is not null);
        var said = $$"""{"id":"{{dispute.Id}}","entity":"dispute","payment_id":"{{dispute.MoneyId}}","amount":{{dispute.Amount.MinorUnits}},"currency":"{{dispute.Amount.Currency.Code}}","amount_deducted":0,"reason_code":"goods_not_received","status":"{{status}}","created_at":{{NowSeconds}}}""";
        Tell(new Notice(type, dispute.Link, (_, view) =>
            $$$$"""{"entity":"event","account_id":"acc_World","event":"{{{{type}}}}","contains":["payment","dispute"],"payload":{"payment":{"entity":{{{{Payment(dispute.Link, money, view)}}}}},"dispute":{"entity":{{{{said}}}}}},"created_at":{{{{NowSeconds}}}}}""")
        { Fact = dispute.Fact(then) });
    }

    static WireAnswer ServerError => new(500, """{"error":{"code":"SERVER_ERROR","description":"We are facing some trouble completing your request."}}""");

    public override WireAnswer Trouble(int status, ulong lot) => status == 429 ? RateLimited(lot) : ServerError with { Status = status };

    static WireAnswer RateLimited(ulong lot) => new(429, """{"error":{"code":"BAD_REQUEST_ERROR","description":"Too many requests"}}""");

    protected override (Port Port, WorldLink? Link) Classify(HttpMethod method, string path) => path switch
    {
        _ when method == HttpMethod.Post && path == Links1 => (Port.OpenLink, null),
        _ when method == HttpMethod.Post && path.StartsWith("/v1/payments/", StringComparison.Ordinal) => (Port.Refund, LinkOfMoney(path.Split('/')[3])),
        _ when path.StartsWith("/v1/payments/", StringComparison.Ordinal) => (Port.InquireRefund, LinkOfMoney(path.Split('/')[3])),
        _ when path.StartsWith("/v1/refunds/", StringComparison.Ordinal) => (Port.InquireRefund, RefundById(path.Split('/')[3])?.Link),
        _ when path.StartsWith($"{Links1}?reference_id=", StringComparison.Ordinal) => (Port.Inquire, ByReference(path[(Links1.Length + 14)..])),
        _ when path.StartsWith("/v1/orders/order_", StringComparison.Ordinal) => (Port.Inquire, Visible($"plink_{path.Split('/')[3][6..]}")),
        _ when path.EndsWith("/cancel", StringComparison.Ordinal) => (Port.CancelLink, Visible(path.Split('/')[3])),
        _ => (Port.Inquire, Visible(path.Split('/')[3])),
    };

    protected override WireAnswer Handle(HttpMethod method, string path, ReadOnlyMemory<byte> body, HttpRequestMessage request, Terms terms)
    {
        if (method == HttpMethod.Post && path == Links1) return Create(body, terms);
        if (path.StartsWith($"{Links1}?reference_id=", StringComparison.Ordinal))
        {
            var found = ByReference(path[(Links1.Length + 14)..]);
            return found is null || found.VisibleFrom > Now
                ? new WireAnswer(200, """{"payment_links":[]}""")
                : new WireAnswer(200, $$"""{"payment_links":[{{Link(found, terms.View)}}]}""");
        }
        if (path.StartsWith("/v1/payments/", StringComparison.Ordinal)) return method == HttpMethod.Post ? GiveBack(path.Split('/')[3], body, terms) : new WireAnswer(200,
            $$"""{"entity":"collection","items":[{{string.Join(',', RefundsOf(path.Split('/')[3]).Select(Refund))}}]}""");
        if (path.StartsWith("/v1/refunds/", StringComparison.Ordinal))
            return RefundById(path.Split('/')[3]) is { } refund ? new WireAnswer(200, Refund(refund)) : Refused("The id provided does not exist", 400);
        var (port, link) = Classify(method, path);
        if (link is null) return Refused("The id provided does not exist", 400);
        if (path.StartsWith("/v1/orders/", StringComparison.Ordinal))
            return new WireAnswer(200, $$"""{"entity":"collection","count":{{link.Tries.Count}},"items":[{{string.Join(',', link.Tries
                .Where(t => t.At.UtcTicks <= terms.View.AsOf).Select(t => Payment(link, t, terms.View)))}}]}""");
        if (port != Port.CancelLink) return new WireAnswer(200, Link(link, terms.View));
        if (!Close(link)) return Refused($"Payment Link cannot be cancelled in {State(link.State.Now)} state", 400);
        Tell(new Notice("payment_link.cancelled", link, (_, view) => Event("payment_link.cancelled", link, null, view)));
        return new WireAnswer(200, Link(link, terms.View));
    }

    WireAnswer Create(ReadOnlyMemory<byte> body, Terms terms)
    {
        using var json = JsonDocument.Parse(body);
        var wish = json.RootElement;
        var reference = wish.GetProperty("reference_id").GetString()!;
        var expires = DateTimeOffset.FromUnixTimeSeconds(wish.GetProperty("expire_by").GetInt64());
        if (expires < Now + TimeSpan.FromMinutes(15)) return Refused("The expire by should be at least 15 minutes after the current time.", 400, "expire_by");
        var link = Make(reference, new Money(wish.GetProperty("amount").GetInt64(), Currency.Find(wish.GetProperty("currency").GetString()!)), expires,
            wish.GetProperty("callback_url").GetString()!, body.Span, terms);
        return link is null
            ? Refused($"payment link creation with reference_id {reference} already attempted", 400, "reference_id")
            : new WireAnswer(200, Link(link, terms.View));
    }

    /// <summary>A receipt names one refund for ever.</summary>
    WireAnswer GiveBack(string moneyId, ReadOnlyMemory<byte> body, Terms terms)
    {
        using var json = JsonDocument.Parse(body);
        var wish = json.RootElement;
        var reference = wish.GetProperty("receipt").GetString()!;
        if (refunds.TryGetValue(reference, out var before)) return new WireAnswer(200, Refund(before));
        var made = GiveBack(moneyId, wish.GetProperty("amount").GetInt64(), reference, wish.GetProperty("notes").GetProperty("payment").GetString()!, body.Span, terms);
        if (made is null) return Refused("The total refund amount is greater than the refund payment amount", 400);
        refunds.Add(reference, made);
        return new WireAnswer(200, Refund(made));
    }

    readonly Dictionary<string, WrittenRefund> refunds = new(StringComparer.Ordinal);

    static string Refund(WrittenRefund r) =>
        $$$"""{"id":"{{{r.Id}}}","entity":"refund","amount":{{{r.Amount.MinorUnits}}},"currency":"{{{r.Amount.Currency.Code}}}","payment_id":"{{{r.Money.Id}}}","notes":{{{(r.Reference.Length == 0 ? "[]" : $$"""{"payment":"{{r.PaymentReference}}","refund":"{{r.Reference}}"}""")}}},"receipt":{{{(r.Reference.Length == 0 ? "null" : $"\"{r.Reference}\"")}}},"status":"{{{r.State switch { RefundState.Done => "processed", RefundState.Failed => "failed", _ => "pending" }}}}","created_at":{{{r.At.ToUnixTimeSeconds()}}}}""";

    protected override void TellRefund(WrittenRefund refund)
    {
        var type = refund.State == RefundState.Done ? "refund.processed" : "refund.failed";
        var said = Refund(refund);
        Tell(new Notice(type, refund.Link, (_, view) => Event(type, refund, said, view)) { Fact = WorldReturn.Fact(refund.Id, refund.State) });
    }

    string Event(string type, WrittenRefund refund, string said, View view) =>
        $$$$"""{"entity":"event","account_id":"acc_World","event":"{{{{type}}}}","contains":["refund","payment"],"payload":{"refund":{"entity":{{{{said}}}}},"payment":{"entity":{{{{Payment(refund.Link, refund.Money, view)}}}}}},"created_at":{{{{NowSeconds}}}}}""";

    static WireAnswer Refused(string description, int status, string? field = null) => new(status,
        $$$$"""{"error":{"code":"BAD_REQUEST_ERROR","description":"{{{{description}}}}","field":{{{{(field is null ? "null" : $"\"{field}\"")}}}},"source":"business","step":"payment_initiation","reason":"input_validation_failed","metadata":{}}}""");

    public override WorldTry? SeemsDeclined(WorldLink link) => Decline(link);

    protected override void BecomesUnderWay(WorldLink link)
    {
    }

    protected override void TellDeclined(WorldLink link, WorldTry attempt) =>
        Tell(new Notice("payment.failed", link, (_, view) => Event("payment.failed", null, (link, attempt, TryState.Failed), view)));

    protected override void TellUnderWay(WorldLink link, WorldTry attempt) =>
        Tell(new Notice("payment.authorized", link, (_, view) => Event("payment.authorized", null, (link, attempt, TryState.UnderWay), view)));

    protected override void TellFailed(WorldLink link, WorldTry attempt) => TellDeclined(link, attempt);

    protected override void TellCaptured(WorldLink link, WorldTry attempt, bool first)
    {
        // The link's own event comes for the money that paid it, not for a second one that slipped in.
        Tell(new Notice("payment.captured", link, (_, view) => Event("payment.captured", null, (link, attempt, TryState.Captured), view), MustArrive: !first, Money: attempt.Id));
        if (first && link.State.Now == LinkState.Paid)
            Tell(new Notice("payment_link.paid", link, (_, view) => Event("payment_link.paid", link, (link, attempt, TryState.Captured), view), Money: attempt.Id));
    }

    protected override void TellExpired(WorldLink link) =>
        Tell(new Notice("payment_link.expired", link, (_, view) => Event("payment_link.expired", link, null, view)));

    protected override Dictionary<string, string> Sign(string eventId, byte[] body, bool rightly) => new(StringComparer.OrdinalIgnoreCase)
    {
        ["Content-Type"] = "application/json",
        ["x-razorpay-event-id"] = eventId,
        ["X-Razorpay-Signature"] = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(rightly ? secret : "a guess"), body)),
    };

    protected override string Stray(string eventId, string reference) =>
        $$$$"""{"entity":"event","event":"payment.captured","contains":["payment"],"payload":{"payment":{"entity":{"id":"pay_stray{{{{eventId}}}}","entity":"payment","amount":777,"currency":"INR","status":"captured","captured":true,"notes":{"payment":"{{{{reference}}}}"},"created_at":{{{{NowSeconds}}}}}}},"created_at":{{{{NowSeconds}}}}}""";

    string Event(string type, WorldLink? link, (WorldLink Link, WorldTry Try, TryState Then)? attempt, View view)
    {
        var parts = new List<string>();
        if (attempt is { } a) parts.Add($$"""
            "payment":{"entity":{{Payment(a.Link, a.Try, view, a.Then)}}}
            """);
        if (link is not null)
        {
            parts.Add($$"""
                "payment_link":{"entity":{{Link(link, view with { UnknownWord = false })}}}
                """);
            parts.Add($$$"""
                "order":{"entity":{"id":"{{{link.Id[6..]}}}","product_type":"payment_link_v2","receipt":"{{{link.Reference}}}"}}
                """);
        }
        return $$$"""{"entity":"event","account_id":"acc_World","event":"{{{type}}}","payload":{{{{string.Join(',', parts)}}}},"created_at":{{{NowSeconds}}}}""";
    }

    string Payment(WorldLink link, WorldTry attempt, View view, TryState? then = null)
    {
        var state = then ?? attempt.State.At(view.AsOf);
        var word = view.UnknownWord ? "on_hold" : state switch { TryState.Captured => then is null && IsWhollyGivenBack(attempt) ? "refunded" : "captured", TryState.Failed => "failed", _ => "authorized" };
        return $$"""{"id":"{{attempt.Id}}","entity":"payment","amount":{{view.Amount(attempt.Amount)}},"currency":"{{attempt.Amount.Currency.Code}}","status":"{{word}}","order_id":"order_{{link.Id[6..]}}","method":"upi","captured":{{(state == TryState.Captured ? "true" : "false")}},"amount_refunded":0,"refund_status":null,"notes":{"payment":"{{link.Reference}}"},"fee":{{(state == TryState.Captured ? "1178" : "null")}},"tax":{{(state == TryState.Captured ? "180" : "null")}},"error_code":{{(state == TryState.Failed ? "\"BAD_REQUEST_ERROR\"" : "null")}},"error_reason":{{(state == TryState.Failed ? "\"payment_failed\"" : "null")}},"created_at":{{attempt.At.ToUnixTimeSeconds()}}}""";
    }

    static string Link(WorldLink link, View view)
    {
        var state = link.State.At(view.AsOf);
        var captured = link.Tries.Where(t => t.At.UtcTicks <= view.AsOf && t.State.At(view.AsOf) == TryState.Captured).Select(t =>
            $$"""{"amount":{{view.Amount(t.Amount)}},"created_at":{{t.At.ToUnixTimeSeconds()}},"method":"upi","payment_id":"{{t.Id}}","plink_id":"{{link.Id}}","status":"captured"}""");
        var order = link.Tries.Count == 0 ? "" : $"\"order_id\":\"order_{link.Id[6..]}\",";
        return $$"""{"accept_partial":false,"amount":{{view.Amount(link.Amount)}},"amount_paid":0,"callback_method":"get","cancelled_at":0,"created_at":{{link.At.ToUnixTimeSeconds()}},"currency":"{{link.Amount.Currency.Code}}","expire_by":{{link.ExpiresAt.ToUnixTimeSeconds()}},"expired_at":0,"id":"{{link.Id}}",{{order}}"notes":{"payment":"{{link.Reference}}"},"payments":[{{string.Join(',', captured)}}],"reference_id":"{{link.Reference}}","short_url":"{{link.Url}}","status":"{{(view.UnknownWord ? "under_review" : State(state))}}","upi_link":false}""";
    }

    static string State(LinkState state) => state switch
    {
        LinkState.Open => "created",
        LinkState.Paid => "paid",
        LinkState.Cancelled => "cancelled",
        _ => "expired",
    };
}
