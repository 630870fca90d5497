using System.Collections.Concurrent;
using System.Globalization;

namespace Purser.Sandbox.PayU;

/// <summary>A transaction: all that was posted under one txnid. Each try on it has a PayU id of its own.</summary>
sealed class PayULink(IReadOnlyDictionary<string, string> form, long amount, Uri page, DateTimeOffset createdAt)
    : Link(form["txnid"], form["txnid"], amount, "INR", createdAt)
{
    /// <summary>As it was posted last; a form that is posted again may name other addresses.</summary>
    public IReadOnlyDictionary<string, string> Form { get; set; } = form;

    /// <summary>The page takes a payment.</summary>
    public bool Open { get; set; } = true;

    /// <summary>Oldest first, and never empty.</summary>
    public List<PayUTry> Tries { get; } = [];

    public PayUTry Latest => Tries[^1];

    public bool Succeeded => Tries.Exists(t => t.Status == "success");

    public override string Status => $"{Latest.Status} {Latest.Unmapped}";

    public override string? Url => page.ToString();

    public override bool Payable => Open;

    /// <summary>After a try that failed the form begins another one; paid, it is refused.</summary>
    public override bool PayableAgain => Open || (!Succeeded && Latest.Status == "failure");
}

/// <summary>One try of a shopper, by its PayU id. Read and written under its link's gate.</summary>
sealed class PayUTry(PayULink link, string mihpayid, string requestId, string mode, string bankCode, DateTimeOffset at)
{
    public PayULink Link => link;

    public string Mihpayid => mihpayid;

    /// <summary>The name of the capture among the actions of a payment.</summary>
    public string RequestId => requestId;

    public string Mode => mode;

    public const string MaskedCard = "512345XXXXXX2346";

    public bool ByCard => mode is "CC" or "DC" or "EMI";

    /// <summary>Shoppers here pay with their own cards and their own accounts.</summary>
    public string Holder => $"{link.Form.GetValueOrDefault("firstname")} {link.Form.GetValueOrDefault("lastname")}".Trim();

    public string BankCode => bankCode;

    public DateTimeOffset At => at;

    public long Amount { get; set; } = link.Amount;

    public string Status { get; set; } = "pending";

    public string Unmapped { get; set; } = "initiated";

    public string BankReference { get; set; } = "";

    public string Error { get; set; } = "E000";

    public string Message { get; set; } = "";

    public List<PayURefund> Refunds { get; } = [];

    /// <summary>What a refund may still take: whatever no refund has, or had and failed.</summary>
    public long Left => Amount - Refunds.Where(r => r.Status != "failure").Sum(r => r.Amount);
}

/// <summary>A refund, or the cancellation of money that was only authorised.</summary>
sealed class PayURefund(PayUTry of, string action, string requestId, string token, long amount, string? callback, DateTimeOffset at)
{
    public PayUTry Of => of;

    public string Action => action;

    public string RequestId => requestId;

    public string Token => token;

    public long Amount => amount;

    public string? Callback => callback;

    public DateTimeOffset At => at;

    public string Status { get; set; } = "queued";

    public string? BankReference { get; set; }

    public string? BankArn { get; set; }
}

/// <summary>One movement of money as the settlement knows it.</summary>
sealed record PayUSettled(PayUTry Of, string Action, string RequestId, string Token, long Amount, DateTimeOffset At);

/// <summary>All that this PayU knows.</summary>
sealed class PayUVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest are forgotten.</summary>
    const int LinksKept = 250_000;

    long payments = 403_990_000_000_000_000, requests = 130_000_000_000;

    public ConcurrentDictionary<string, PayULink> Links { get; } = new();

    public ConcurrentDictionary<string, PayULink> LinksByPage { get; } = new();

    public ConcurrentDictionary<string, PayUTry> Tries { get; } = new();

    public ConcurrentDictionary<string, PayURefund> Refunds { get; } = new();

    public ConcurrentQueue<PayULink> LinkOrder { get; } = new();

    public ConcurrentQueue<PayUSettled> Settled { get; } = new();

    public string NextPayment() => Interlocked.Increment(ref payments).ToString(CultureInfo.InvariantCulture);

    public string NextRequest() => Interlocked.Increment(ref requests).ToString(CultureInfo.InvariantCulture);

    public void Keep(PayULink link, string page)
    {
        LinksByPage[page] = link;
        LinkOrder.Enqueue(link);
        if (LinkOrder.Count <= LinksKept || !LinkOrder.TryDequeue(out var oldest)) return;
        Links.TryRemove(new(oldest.Id, oldest));
        LinksByPage.TryRemove(new Uri(oldest.Url!).AbsolutePath, out _);
        foreach (var one in oldest.Tries.ToArray()) Tries.TryRemove(one.Mihpayid, out _);
    }
}

/// <summary>Rupees and days as PayU writes them.</summary>
static class PayUText
{
    static readonly TimeSpan India = new(5, 30, 0);

    /// <summary>Two decimals unless more are asked for.</summary>
    public static string Rupees(long paise, int decimals = 2) => (paise / 100m).ToString("F" + decimals, CultureInfo.InvariantCulture);

    public static string Time(DateTimeOffset at) => at.ToOffset(India).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    public static DateOnly Day(DateTimeOffset at) => DateOnly.FromDateTime(at.ToOffset(India).DateTime);

    public static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Digits, and at most two after a point; null for anything else.</summary>
    public static long? Paise(string? text)
    {
        if (text is not { Length: > 0 and <= 15 }) return null;
        var parts = text.Split('.');
        if (parts.Length > 2 || Array.Exists(parts, p => p.Length == 0 || !p.All(char.IsAsciiDigit)) || (parts.Length == 2 && parts[1].Length > 2)) return null;
        return (long)(decimal.Parse(text, CultureInfo.InvariantCulture) * 100);
    }
}
