using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>A page that somebody's browser opened with a form, or that an invoice led to. The same order posted again is another page. Its members are
/// read and written under its gate.</summary>
sealed class CCAvenuePage(IReadOnlyDictionary<string, string> asked, long amount, Uri url, DateTimeOffset createdAt)
    : Link(asked["order_id"], asked["order_id"], amount, asked["currency"], createdAt)
{
    public string OrderNumber => Id;

    /// <summary>The page takes a try.</summary>
    public bool Open { get; set; } = true;

    /// <summary>Oldest first. The page of a form has one from the beginning, that of an invoice from the first visit on.</summary>
    public List<CCAvenueTry> Tries { get; } = [];

    public override string Status => Tries is [.., var last] ? last.Status : "Pending";

    public override string? Url => url.ToString();

    public override bool Payable => Open;

    /// <summary>A form posted again is another try, whatever came of those before.</summary>
    public override bool PayableAgain => Open || OfForm;

    /// <summary>False for the page of an invoice, which nothing leads to but its own address.</summary>
    public bool OfForm { get; init; }

    public string? Said(string name) => asked.TryGetValue(name, out var value) && value.Length > 0 ? value : null;
}

/// <summary>One try of a shopper, with the number that CCAvenue gives it.</summary>
sealed class CCAvenueTry(CCAvenuePage page, string trackingId, DateTimeOffset at)
{
    const decimal FeePercent = 2.0m;

    public CCAvenuePage Page => page;

    public string TrackingId => trackingId;

    public DateTimeOffset At { get; } = at;

    public DateTimeOffset StatusAt { get; private set; } = at;

    public long Amount { get; set; } = page.Amount;

    public string Status { get; private set; } = "Initiated";

    public string FailureMessage { get; private set; } = "";

    /// <summary>Confirmed, and by how much.</summary>
    public long Captured { get; set; }

    /// <summary>Empty until the bank has heard of it.</summary>
    public string BankReference => Status is "Initiated" or "Aborted" or "Timeout" ? "" : "BRN" + trackingId[^9..];

    public string FraudStatus { get; set; } = "NA";

    /// <summary>Nothing is heard of it: neither the browser nor an echo comes.</summary>
    public bool Silent { get; set; }

    public List<CCAvenueRefund> Refunds { get; } = [];

    /// <summary>Shoppers pay even rupees by UPI and odd ones by card.</summary>
    bool Upi => page.Amount / 100 % 2 == 0;

    public string Mode => Upi ? "Unified Payments" : "Credit Card";

    public string OptionType => Upi ? "OPTUPI" : "OPTCRDC";

    public string CardName => Upi ? "UPI" : "Visa";

    /// <summary>What no refund has, or had and failed.</summary>
    public long Left => Captured - Refunds.Where(r => !r.Failed).Sum(r => r.Amount);

    public void Become(string status, DateTimeOffset now, string failure = "") => (Status, StatusAt, FailureMessage) = (status, now, failure);

    /// <summary>The word of the page for what the API calls otherwise.</summary>
    public string PageStatus => Status switch
    {
        "Shipped" or "Successful" or "Refunded" or "Auto-Reversed" => "Success",
        "Unsuccessful" => "Failure",
        _ => Status,
    };

    /// <summary>What the browser carries back, and what the echo says.</summary>
    public JsonObject PageJson()
    {
        var json = new JsonObject
        {
            ["order_id"] = page.OrderNumber,
            ["tracking_id"] = trackingId,
            ["bank_ref_no"] = BankReference.Length > 0 ? BankReference : "null",
            ["order_status"] = PageStatus,
            ["failure_message"] = FailureMessage,
            ["payment_mode"] = Mode,
            ["card_name"] = CardName,
            ["status_code"] = "null",
            ["status_message"] = PageStatus == "Success" ? "Y" : "null",
            ["currency"] = page.Currency,
            ["amount"] = CCAvenueText.Rupees(Amount),
        };
        foreach (var part in (string[])["name", "address", "city", "state", "zip", "country", "tel", "email"])
            json["billing_" + part] = page.Said("billing_" + part) ?? "";
        foreach (var part in (string[])["name", "address", "city", "state", "zip", "country", "tel"])
            json["delivery_" + part] = page.Said("delivery_" + part) ?? "";
        for (var i = 1; i <= 5; i++) json[$"merchant_param{i}"] = page.Said($"merchant_param{i}") ?? "";
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["vault"] = "N",
            ["offer_type"] = "null",
            ["offer_code"] = "null",
            ["discount_value"] = "0.0",
            ["mer_amount"] = CCAvenueText.Rupees(Amount),
            ["eci_value"] = "null",
            ["retry"] = "N",
            ["response_code"] = "0",
            ["billing_notes"] = "",
            ["trans_date"] = CCAvenueText.PageTime(StatusAt),
            ["bin_country"] = "",
        }) json[name] = value;
        return json;
    }

    /// <summary>What late and risk news say, in the words of the API.</summary>
    public JsonObject NewsJson() => new()
    {
        ["reference_no"] = trackingId,
        ["order_no"] = page.OrderNumber,
        ["order_amt"] = CCAvenueText.Rupees(Amount),
        ["order_bank_ref_no"] = BankReference,
        ["order_date_time"] = CCAvenueText.Time(At),
        ["order_status"] = Status,
        ["order_fraud_status"] = FraudStatus,
    };

    public JsonObject StatusJson()
    {
        var fee = Fee(Captured);
        var json = new JsonObject
        {
            ["order_no"] = page.OrderNumber,
            ["reference_no"] = long.Parse(trackingId, CultureInfo.InvariantCulture),
            ["order_currncy"] = page.Currency,
            ["order_amt"] = Amount * 0.01m,
            ["order_gross_amt"] = Amount * 0.01m,
            ["order_capt_amt"] = Captured * 0.01m,
            ["order_discount"] = 0.0m,
            ["order_fee_flat"] = 0.0m,
            ["order_fee_perc"] = FeePercent,
            ["order_fee_perc_value"] = fee * 0.01m,
            ["order_tax"] = Tax(fee) * 0.01m,
            ["order_TDS"] = 0.0m,
            ["order_status"] = Status,
            ["order_status_date_time"] = CCAvenueText.Time(StatusAt),
            ["order_date_time"] = CCAvenueText.Time(At),
            ["order_bank_ref_no"] = BankReference,
            ["order_bank_response"] = PageStatus == "Success" ? "Y" : FailureMessage,
            ["order_gtw_id"] = "SANDBOX",
            ["order_card_name"] = CardName,
            ["order_option_type"] = OptionType,
            ["order_device_type"] = "PC",
            ["order_fraud_status"] = FraudStatus,
            ["order_ip"] = "198.51.100.7",
        };
        for (var i = 1; i <= 5; i++) json[$"merchant_param{i}"] = page.Said($"merchant_param{i}") ?? "";
        return json;
    }

    public static long Fee(long amount) => (long)Math.Round(amount * FeePercent / 100, MidpointRounding.AwayFromZero);

    public static long Tax(long fee) => (long)Math.Round(fee * 0.18m, MidpointRounding.AwayFromZero);
}

sealed class CCAvenueRefund(CCAvenueTry of, string reference, long amount, DateTimeOffset at)
{
    public CCAvenueTry Of => of;

    public string Reference => reference;

    public long Amount => amount;

    public DateTimeOffset At => at;

    public string Status { get; set; } = "TS-REFA";

    public DateTimeOffset? DoneAt { get; set; }

    public string BankReference { get; set; } = "";

    public bool Failed => Status is "TS-REFF" or "TS-REFD";

    public JsonObject Json() => new()
    {
        ["refund_amt"] = amount * 0.01m,
        ["refund_mer_ref_no"] = reference,
        ["refund_issue_date"] = CCAvenueText.Date(CCAvenueText.Day(at)),
        ["refund_processed_on"] = DoneAt is { } done ? CCAvenueText.Date(CCAvenueText.Day(done)) : "",
        ["refund_completion_date"] = DoneAt is { } end && !Failed ? CCAvenueText.Date(CCAvenueText.Day(end)) : "",
        ["refund_bank_ref_no"] = BankReference,
        ["refund_status"] = Status,
    };
}

/// <summary>One movement of money as the settlement knows it.</summary>
sealed record CCAvenueSettled(CCAvenueTry Of, string Kind, long Amount, string BankReference, DateTimeOffset At)
{
    public bool In => Kind == "Shipped";

    public long Fee => In ? CCAvenueTry.Fee(Amount) : 0;

    public long Tax => In ? CCAvenueTry.Tax(Fee) : 0;

    public long Payable => Amount - Fee - Tax;

    public DateOnly Day => CCAvenueText.Day(At);

    /// <summary>What the payout of its day has of it.</summary>
    public long Moved => In ? Payable : -Amount;
}

/// <summary>All that this CCAvenue knows.</summary>
sealed class CCAvenueVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest are forgotten.</summary>
    const int PagesKept = 250_000, SettledKept = 1_000_000;

    long tries, refunds, invoices = 5_100_000, payouts = 900_000;

    public ConcurrentDictionary<string, CCAvenuePage> PagesByPath { get; } = new();

    /// <summary>Of an order that was posted several times, the latest.</summary>
    public ConcurrentDictionary<string, CCAvenuePage> Latest { get; } = new();

    public ConcurrentDictionary<string, ConcurrentQueue<CCAvenueTry>> TriesByOrder { get; } = new();

    public ConcurrentDictionary<string, CCAvenueTry> Tries { get; } = new();

    /// <summary>The try of an order that succeeded first; any other is one too many.</summary>
    public ConcurrentDictionary<string, CCAvenueTry> Winners { get; } = new();

    public ConcurrentDictionary<string, CCAvenueRefund> Refunds { get; } = new();

    public ConcurrentQueue<CCAvenuePage> InOrder { get; } = new();

    public ConcurrentQueue<CCAvenueSettled> Settled { get; } = new();

    /// <summary>The names of payouts: one for each day and currency.</summary>
    public ConcurrentDictionary<(DateOnly Day, string Currency), Lazy<long>> Payouts { get; } = new();

    /// <summary>Under the page's gate.</summary>
    public CCAvenueTry NewTry(CCAvenuePage page, DateTimeOffset at)
    {
        var id = (312_000_000_000 + Interlocked.Increment(ref tries)).ToString(CultureInfo.InvariantCulture);
        var one = new CCAvenueTry(page, id, at);
        page.Tries.Add(one);
        Tries[id] = one;
        TriesByOrder.GetOrAdd(page.OrderNumber, _ => new()).Enqueue(one);
        return one;
    }

    public string NextRefund() => "RB" + Interlocked.Increment(ref refunds).ToString("D9", CultureInfo.InvariantCulture);

    public string NextInvoice() => Interlocked.Increment(ref invoices).ToString(CultureInfo.InvariantCulture);

    public void Settle(CCAvenueSettled settled)
    {
        Payouts.GetOrAdd((settled.Day, settled.Of.Page.Currency), _ => new(() => Interlocked.Increment(ref payouts)));
        Settled.Enqueue(settled);
        if (Settled.Count > SettledKept) Settled.TryDequeue(out _);
    }

    public void Keep(CCAvenuePage page)
    {
        PagesByPath[new Uri(page.Url!).AbsolutePath] = page;
        Latest[page.OrderNumber] = page;
        InOrder.Enqueue(page);
        if (InOrder.Count <= PagesKept || !InOrder.TryDequeue(out var oldest)) return;
        PagesByPath.TryRemove(new Uri(oldest.Url!).AbsolutePath, out _);
        Latest.TryRemove(new(oldest.OrderNumber, oldest));
        TriesByOrder.TryRemove(oldest.OrderNumber, out _);
        Winners.TryRemove(oldest.OrderNumber, out _);
        lock (oldest.Gate)
            foreach (var one in oldest.Tries)
            {
                Tries.TryRemove(one.TrackingId, out _);
                foreach (var refund in one.Refunds) Refunds.TryRemove(refund.Reference, out _);
            }
    }
}
