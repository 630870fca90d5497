using System.Globalization;
using System.Net;
using System.Text;
using Purser.Gateways;
using Purser.Payments;

namespace Purser.Simulation;

/// <summary>A gateway written for this world alone, so that its answers can lag, hide a link for a while, and say words that nobody knows.</summary>
abstract class WrittenGateway(World world, string account, string host) : WorldGateway(world, account, host)
{
    readonly string account = account;
    readonly string host = host;
    readonly Dictionary<string, WorldLink> byUrl = new(StringComparer.Ordinal);
    int drawn;

    public override WorldLink? Follow(PaymentLink link) => link is PaymentLink.Redirect { Url: var url } ? byUrl.GetValueOrDefault(url) : null;

    protected abstract (Port Port, WorldLink? Link) Classify(HttpMethod method, string path);

    protected abstract WireAnswer Handle(HttpMethod method, string path, ReadOnlyMemory<byte> body, HttpRequestMessage request, Terms terms);

    protected abstract Dictionary<string, string> Sign(string eventId, byte[] body, bool rightly);

    protected abstract string Stray(string eventId, string reference);

    /// <summary>The path below which its links stand one by one.</summary>
    protected abstract string Collection { get; }

    public override (Port Port, WorldLink? Link) Classify(HttpRequestMessage request, ReadOnlyMemory<byte> body) => Classify(request.Method, request.RequestUri!.PathAndQuery);

    public override WireAnswer Handle(HttpRequestMessage request, ReadOnlyMemory<byte> body, Terms terms) =>
        Handle(request.Method, request.RequestUri!.PathAndQuery, body, request, terms);

    public override WireAnswer? OfAnother(HttpRequestMessage request, ReadOnlyMemory<byte> body, Port port, int order)
    {
        var others = Links.Where(l => l.Order != order).ToList();
        return others.Count == 0 ? null
            : Handle(HttpMethod.Get, $"{Collection}/{others[World.Scheduling.Next(others.Count)].Id}", default, request, new Terms(new View(World.Time.Ticks), order));
    }

    public override Letter Pack(string text, string eventId, bool rightly)
    {
        var body = Encoding.UTF8.GetBytes(text);
        return new Letter(body, Sign(eventId, body, rightly));
    }

    public override string Stray(Notice notice, string eventId, string reference) => Stray(eventId, reference);

    public override WorldTry? Decline(WorldLink link)
    {
        var attempt = Try(link, TryState.Failed, TryId(link), link.Amount);
        TellDeclined(link, attempt);
        return attempt;
    }

    public override void Pay(WorldLink link)
    {
        var amount = World.Faults.At(Port.Page, link.Order) is (Fault.CapturedLess, var lot)
            ? link.Amount - new Money(1 + (long)(lot % 500), link.Amount.Currency)
            : link.Amount;
        Capture(link, Try(link, TryState.UnderWay, TryId(link), amount));
    }

    public override WorldTry? PayLater(WorldLink link)
    {
        var attempt = Try(link, TryState.UnderWay, TryId(link), link.Amount);
        BecomesUnderWay(link);
        TellUnderWay(link, attempt);
        return attempt;
    }

    public override void Settle(WorldLink link, WorldTry attempt, bool captured)
    {
        if (captured) Capture(link, attempt);
        else
        {
            attempt.State.Become(World.Time.Ticks, TryState.Failed);
            TellFailed(link, attempt);
        }
    }

    public override RawMessage Return(WorldLink link, bool wishful)
    {
        var status = link.Money is not null || wishful ? "paid" : "created";
        var query = $"?payment={link.Payment}&razorpay_payment_link_status={status}&razorpay_payment_id={link.Tries.LastOrDefault()?.Id}";
        return new RawMessage("GET", $"/gateways/{account}/return", query, new Dictionary<string, string>(), default, Now);
    }

    void Capture(WorldLink link, WorldTry attempt)
    {
        var first = link.Money is null;
        Captured(link, attempt);
        var back = Chance.Of(World.Seed, 23, link.Order, link.Payment.Number);
        if (TakesBack && back % 16 == 0) World.Outside.Start(() => TakeBack(link, attempt, Chance.Random(back)), World.Auditor.Threw);
        else stated.Append(Row(attempt.Id, link.Reference, null, attempt.Amount, Fee(attempt.Amount), attempt.Id));
        TellCaptured(link, attempt, first);
        if (TakesBack && back % 16 == 0) return;
        if (Chance.Of(World.Seed, 21, link.Order, link.Payment.Number) is var lot && lot % 10 == 0)
            World.Outside.Start(() => Dispute(link, attempt, Chance.Random(lot)), World.Auditor.Threw);
        if (Chance.Of(World.Seed, 25, link.Order, link.Payment.Number) is var unasked && unasked % 12 == 0)
            World.Outside.Start(() => GiveBackUnasked(link, attempt, Chance.Random(unasked)), World.Auditor.Threw);
    }

    protected abstract void BecomesUnderWay(WorldLink link);
    protected abstract void TellDeclined(WorldLink link, WorldTry attempt);
    protected abstract void TellUnderWay(WorldLink link, WorldTry attempt);
    protected abstract void TellFailed(WorldLink link, WorldTry attempt);
    protected abstract void TellCaptured(WorldLink link, WorldTry attempt, bool first);
    protected abstract void TellExpired(WorldLink link);

    // Statements.

    /// <summary>What it keeps by its contract.</summary>
    public const string Rate = "2%";

    readonly StringBuilder stated = new();

    static Money Fee(Money amount) => new(((amount.MinorUnits * 2) + 50) / 100, amount.Currency);

    protected abstract string ReportHead { get; }

    /// <summary>A line of the report about money that moves now.</summary>
    /// <param name="gross">Less than nothing for what goes back.</param>
    /// <param name="of">The captured money that it is, or that it gives back.</param>
    protected abstract string Row(string id, string payment, string? refund, Money gross, Money fee, string of);

    public override string Report() => ReportHead + stated;

    protected static string Major(long minorUnits) => (minorUnits / 100m).ToString("0.00", CultureInfo.InvariantCulture);

    // Refunds.

    readonly List<WrittenRefund> refunds = [];

    protected IEnumerable<WrittenRefund> RefundsOf(string moneyId) => refunds.Where(r => r.Money.Id == moneyId && r.VisibleFrom <= Now);

    protected WrittenRefund? RefundById(string id) => refunds.Find(r => r.Id == id);

    public override string? AskedAs(string refundId) => RefundById(refundId)?.Reference;

    protected WorldLink? LinkOfMoney(string moneyId) => Links.FirstOrDefault(l => l.Tries.Any(t => t.Id == moneyId && t.CapturedAt is not null));

    protected abstract string RefundPrefix { get; }

    protected abstract void TellRefund(WrittenRefund refund);

    /// <summary>Takes a refund on; most succeed at once or after a while, some fail days later. Null when more would go back than came.</summary>
    protected WrittenRefund? GiveBack(string moneyId, long minorUnits, string reference, string paymentReference, ReadOnlySpan<byte> request, Terms terms)
    {
        if (LinkOfMoney(moneyId) is not { } link) return null;
        var money = link.Tries.First(t => t.Id == moneyId && t.CapturedAt is not null);
        var amount = new Money(minorUnits, money.Amount.Currency);
        World.Auditor.RefundAsked(account, reference, amount, request);
        if (minorUnits <= 0 || Gone(money) + minorUnits > money.Amount.MinorUnits) return null;
        var refund = new WrittenRefund(Draw(RefundPrefix, reference), reference, paymentReference, link, money, amount, Now) { VisibleFrom = Now + terms.HiddenFor };
        refunds.Add(refund);
        World.Outside.Start(() => Carry(refund), World.Auditor.Threw);
        return refund;
    }

    async Task Carry(WrittenRefund refund)
    {
        var lot = World.Scheduling.Next(10);
        await World.Loop.Wait(lot < 4 ? TimeSpan.FromSeconds(2) : lot < 8 ? TimeSpan.FromMinutes(5 + (lot * 10)) : TimeSpan.FromHours(8));
        if (lot == 9)
        {
            refund.State = RefundState.Failed;
            World.Trace.Tell(refund.Link.Order, $"{account} fails to give {refund.Amount} back as {refund.Id}");
        }
        else
        {
            refund.State = RefundState.Done;
            GaveBack(refund.Money.Id, refund.Amount);
            // Reports are made with columns, and not everybody's has the one with our reference.
            var named = Chance.Of(World.Seed, 26, refund.Link.Order, refunds.IndexOf(refund)) % 3 != 0;
            stated.Append(Row(refund.Id, refund.PaymentReference, named ? refund.Reference : "", -refund.Amount, Money.Zero(refund.Amount.Currency), refund.Money.Id));
        }
        TellRefund(refund);
        if (refund.State == RefundState.Done && !refunds.Exists(r => r.Money == refund.Money && r.Reference.Length == 0) && Chance.Of(World.Seed, 24, refund.Link.Order, refunds.IndexOf(refund)) is var back && back % 8 == 0) await Return(refund, Chance.Random(back));
    }

    /// <summary>Somebody gives money back at the gateway itself: all that is left, or a part.</summary>
    async Task GiveBackUnasked(WorldLink link, WorldTry money, Random size)
    {
        await World.Loop.Wait(size.Between(TimeSpan.FromMinutes(5), TimeSpan.FromHours(30)));
        var left = money.Amount.MinorUnits - Gone(money);
        if (left <= 0 || money.CapturedAt is null) return;
        var refund = new WrittenRefund(Draw(RefundPrefix, money.Id), "", "", link, money, new Money(size.Next(2) == 0 ? left : 1 + (long)(left * size.NextDouble() * .9), money.Amount.Currency), Now)
        {
            State = RefundState.Done,
        };
        refunds.Add(refund);
        GaveBack(money.Id, refund.Amount);
        Unasked.Add(new WorldReturn(refund.Id, money.Id, refund.Amount));
        stated.Append(Row(refund.Id, "", "", -refund.Amount, Money.Zero(refund.Amount.Currency), money.Id));
        if (size.Next(3) != 0) TellRefund(refund);
        // Not once all was gone: who asks about such money is told no more than that.
        if (size.Next(3) == 0) await Return(refund, size, unless: () => IsWhollyGivenBack(money));
    }

    /// <summary>All of it went back.</summary>
    protected bool IsWhollyGivenBack(WorldTry money) => refunds.Where(r => r.Money == money && r.State == RefundState.Done).Sum(r => r.Amount.MinorUnits) == money.Amount.MinorUnits;

    /// <summary>The shopper's bank sends the money back, for the account is closed.</summary>
    async Task Return(WrittenRefund refund, Random size, Func<bool>? unless = null)
    {
        await World.Loop.Wait(size.Between(TimeSpan.FromMinutes(10), TimeSpan.FromHours(40)));
        if (unless?.Invoke() is true) return;
        refund.State = RefundState.Failed;
        CameBack(refund.Id, refund.Money.Id, refund.Amount);
        stated.Append(ReturnedRow(refund));
        if (size.Next(3) != 0) TellRefund(refund);
    }

    protected abstract string ReturnedRow(WrittenRefund refund);

    /// <summary>It may say hours later that what it had told to be captured has failed.</summary>
    protected virtual bool TakesBack => false;

    /// <summary>No statement ever has such money. What went back of it meanwhile is gone, so that stays as it is.</summary>
    async Task TakeBack(WorldLink link, WorldTry money, Random size)
    {
        await World.Loop.Wait(size.Between(TimeSpan.FromMinutes(5), TimeSpan.FromHours(20)));
        if (Gone(money) > 0) return;
        money.State.Become(World.Time.Ticks, TryState.Failed);
        (money.CapturedAt, money.TakenBack) = (null, true);
        World.Trace.Mix(link.Order, 105, money.Amount.MinorUnits);
        World.Trace.Tell(link.Order, $"{account} takes {money.Amount} back as if {money.Id} had never been captured");
        World.TakenBack++;
        if (size.Next(2) == 0) TellFailed(link, money);
    }

    // Disputes.

    /// <summary>By its contract.</summary>
    const long DisputeFee = 1500;

    protected abstract string DisputePrefix { get; }

    /// <summary>Its statement says which dispute a row is of, so that a payment may have several.</summary>
    protected virtual bool NamesDisputes => false;

    /// <param name="back">The money is ours again.</param>
    /// <param name="named">With our name for the payment beside the gateway's for the money.</param>
    protected abstract string Row(WorldDispute dispute, bool back, bool named);

    protected abstract void TellDispute(WorldDispute dispute, DisputeState then);

    /// <summary>The shopper's bank takes what is left of the money, or a part of it; what it decides in the end it decides days later, or never.</summary>
    async Task Dispute(WorldLink link, WorldTry money, Random size)
    {
        await World.Loop.Wait(size.Between(TimeSpan.FromMinutes(10), TimeSpan.FromHours(30)));
        var left = money.Amount.MinorUnits - Gone(money);
        if (left <= 0 || Disputes.Any(d => d.Link == link && (!NamesDisputes || d.State == DisputeState.Open))) return;
        // Of some a merchant hears only when the statement has them.
        var (some, named, told) = (size.Next(4) == 0 ? 1 + (long)(left * size.NextDouble() * .9) : left, size.Next(3) != 0, size.Next(4) != 0);
        var fee = new Money(size.Next(3) == 0 ? 0 : DisputeFee, money.Amount.Currency);
        var dispute = new WorldDispute(Draw(DisputePrefix, link.Id), link, money.Id, new Money(some, money.Amount.Currency), fee);
        Disputed(dispute);
        stated.Append(Row(dispute, back: false, named));
        if (told) TellDispute(dispute, DisputeState.Open);
        if (size.Next(4) == 0) return;
        await World.Loop.Wait(size.Between(TimeSpan.FromHours(1), TimeSpan.FromHours(50)));
        dispute.State = size.Next(2) == 0 ? DisputeState.Won : DisputeState.Lost;
        World.Trace.Tell(link.Order, $"{account}: {dispute.Id} is {dispute.State}");
        if (dispute.State == DisputeState.Won) stated.Append(Row(dispute, back: true, named));
        if (told) TellDispute(dispute, dispute.State);
        if (NamesDisputes && size.Next(3) == 0) await Dispute(link, money, size);
        if (dispute.State != DisputeState.Lost || size.Next(3) != 0) return;
        // The bank thinks better of it, and only the statement says so.
        await World.Loop.Wait(size.Between(TimeSpan.FromHours(1), TimeSpan.FromHours(30)));
        dispute.Change();
        World.Trace.Tell(link.Order, $"{account}: {dispute.Id} is won after all");
        stated.Append(Row(dispute, back: true, named));
    }

    /// <summary>What of captured money is given back, on its way back, or with the shopper's bank.</summary>
    long Gone(WorldTry money) => refunds.Where(r => r.Money == money && r.State != RefundState.Failed).Sum(r => r.Amount.MinorUnits)
        + Disputes.Where(d => d.MoneyId == money.Id && d.State != DisputeState.Won).Sum(d => d.Amount.MinorUnits);

    /// <summary>Makes a link, and lets it lapse at its time.</summary>
    /// <param name="unique">The gateway makes no second link for a reference; null then.</param>
    protected WorldLink? Make(string reference, Money amount, DateTimeOffset expiresAt, string returnUrl, ReadOnlySpan<byte> request, Terms terms, bool unique = true)
    {
        World.Auditor.LinkAsked(account, reference, amount, request);
        if (unique && ByReference(reference) is not null) return null;
        var payment = PaymentId.TryParseReference(reference, out var read) ? read : default;
        var id = Draw(LinkPrefix, reference);
        var link = new WorldLink(id, reference, World.Database.IndexOf(payment.Order), payment,
            amount - new Money(Math.Min(terms.LessBy, amount.MinorUnits - 1), amount.Currency), Now, expiresAt, returnUrl)
        {
            Url = $"https://{host}/pay/{id}",
            VisibleFrom = Now + terms.HiddenFor,
        };
        byUrl.Add(link.Url, link);
        Add(link);
        _ = Lapse(link);
        return link;
    }

    protected WorldLink? Visible(string id) => ById(id) is { } link && link.VisibleFrom <= Now ? link : null;

    protected bool Close(WorldLink link)
    {
        if (link.State.Now != LinkState.Open) return false;
        link.State.Become(World.Time.Ticks, LinkState.Cancelled);
        World.Trace.Tell(link.Order, $"{account} closes {link.Id}");
        return true;
    }

    protected abstract string LinkPrefix { get; }
    protected abstract string TryPrefix { get; }

    protected virtual string TryId(WorldLink link) => Draw(TryPrefix, link.Id);

    protected string Draw(string prefix, string from) =>
        $"{prefix}{Chance.Of(World.Seed, drawn++, from.Length, account.Length):x16}";

    async Task Lapse(WorldLink link)
    {
        await World.Loop.Wait(link.ExpiresAt - Now);
        if (link.State.Now != LinkState.Open) return;
        link.State.Become(World.Time.Ticks, LinkState.Expired);
        TellExpired(link);
    }

    protected static Dictionary<string, string> Fields(ReadOnlyMemory<byte> form) => Encoding.UTF8.GetString(form.Span).Split('&')
        .Select(pair => pair.Split('=', 2)).ToDictionary(pair => WebUtility.UrlDecode(pair[0]), pair => WebUtility.UrlDecode(pair[1]), StringComparer.Ordinal);
}
