using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.PhonePe;

/// <summary>An order as PhonePe keeps it: it takes one payment, after as many tries as the shopper likes. Everything under its gate.</summary>
sealed class PhonePeOrder(string id, JsonObject asked, string merchant, DateTimeOffset createdAt)
    : Link(id, (string?)asked["merchantOrderId"], (long)asked["amount"]!, "INR", createdAt)
{
    static readonly TimeSpan India = new(5, 30, 0);

    public required string Page { get; init; }

    public string? PageUrl { get; set; }

    public string State { get; set; } = "PENDING";

    /// <summary>Why it failed: their general and their detailed code.</summary>
    public PhonePeFailure? Failure { get; set; }

    /// <summary>What it was paid with; differs from what was asked only when something went wrong.</summary>
    public long? Paid { get; set; }

    public List<PhonePeTry> Tries { get; } = [];

    public List<PhonePeRefund> Refunds { get; } = [];

    /// <summary>Refunds that gave money back, in the order in which they did.</summary>
    public List<PhonePeRefund> Returned { get; } = [];

    /// <summary>The first failed try ends it.</summary>
    public bool NoSecondTry => (bool?)asked["disablePaymentRetry"] ?? false;

    public string? Back => (string?)asked["paymentFlow"]!["merchantUrls"]?["redirectUrl"];

    public string Merchant => merchant;

    public override string Status => State;

    public override string? Url => PageUrl;

    public override bool Payable => State == "PENDING";

    public static DateTimeOffset InIndia(DateTimeOffset at) => at.ToOffset(India);

    /// <summary>The first way to pay that the page is restricted to; without a restriction shoppers pay odd rupees by card.</summary>
    public string Mode =>
        (string?)(asked["paymentFlow"]!["paymentModeConfig"]?["enabledPaymentModes"] as JsonArray)?.FirstOrDefault()?["type"]
        ?? (Amount / 100 % 2 == 0 ? "UPI_QR" : "CARD");

    /// <summary>What a status query answers.</summary>
    public JsonObject StatusJson(bool all, bool context)
    {
        var json = Json(all ? Tries : Tries.TakeLast(1));
        json["payableAmount"] = Paid ?? Amount;
        json["feeAmount"] = 0;
        if (context && Failure is { } failure) json["errorContext"] = failure.Context();
        return json;
    }

    /// <summary>What a webhook carries.</summary>
    public JsonObject Json(IEnumerable<PhonePeTry>? tries = null)
    {
        var json = new JsonObject
        {
            ["merchantId"] = merchant,
            ["merchantOrderId"] = Reference,
            ["orderId"] = Id,
            ["state"] = State,
            ["amount"] = Paid ?? Amount,
            ["expireAt"] = ExpiresAt!.Value.ToUnixTimeMilliseconds(),
        };
        if (Failure is { } failure) (json["errorCode"], json["detailedErrorCode"]) = (failure.Code, failure.Detail);
        if (asked["metaInfo"] is { } notes) json["metaInfo"] = notes.DeepClone();
        json["paymentDetails"] = new JsonArray([.. (tries ?? Tries.TakeLast(1)).Select(t => t.Json())]);
        return json;
    }
}

sealed record PhonePeFailure(string Code, string Detail, string Source, string Stage, string Description)
{
    public static readonly PhonePeFailure
        TimeOver = new("TXN_NOT_COMPLETED", "TXN_AUTO_FAILED", "CUSTOMER", "PRE_AUTHENTICATION", "The payment was not completed in time."),
        NoMoney = new("INSUFFICIENT_BALANCE", "Z9", "CUSTOMER", "AUTHORIZATION", "The account's balance is too low."),
        BankTrouble = new("BANK_TECHNICAL_ISSUE", "U90", "ISSUING_BANK", "AUTHORIZATION", "The bank has technical trouble.");

    public JsonObject Context() => new()
    {
        ["errorCode"] = Code,
        ["detailedErrorCode"] = Detail,
        ["source"] = Source,
        ["stage"] = Stage,
        ["description"] = Description,
    };
}

/// <summary>One try of a shopper to pay an order.</summary>
sealed class PhonePeTry(string id, PhonePeOrder order, string mode, long amount, DateTimeOffset at)
{
    public string Id => id;

    public PhonePeOrder Order => order;

    public string Mode => mode;

    public long Amount => amount;

    public DateTimeOffset At => at;

    public string State { get; set; } = "PENDING";

    public PhonePeFailure? Failure { get; set; }

    public JsonObject Json()
    {
        var json = new JsonObject
        {
            ["transactionId"] = id,
            ["paymentMode"] = mode,
            ["timestamp"] = at.ToUnixTimeMilliseconds(),
            ["amount"] = amount,
            ["payableAmount"] = amount,
            ["feeAmount"] = 0,
            ["state"] = State,
        };
        if (Failure is { } failure) (json["errorCode"], json["detailedErrorCode"]) = (failure.Code, failure.Detail);
        json["splitInstruments"] = new JsonArray(Instrument());
        return json;
    }

    JsonObject Instrument()
    {
        var number = id[^7..];
        return new()
        {
            ["amount"] = amount,
            ["rail"] = mode.StartsWith("UPI", StringComparison.Ordinal)
                ? new JsonObject { ["type"] = "UPI", ["utr"] = "60730" + number, ["upiTransactionId"] = "UPI" + number, ["vpa"] = "buyer@testpsp" }
                : new JsonObject { ["type"] = "PG", ["transactionId"] = "PG" + number, ["authorizationCode"] = number[..6], ["serviceTransactionId"] = "PGST" + number },
            ["instrument"] = mode switch
            {
                "CARD" => new JsonObject { ["type"] = "CREDIT_CARD", ["bankTransactionId"] = "B" + number, ["brn"] = "BRN" + number, ["arn"] = "ARN" + number },
                "NET_BANKING" => new JsonObject { ["type"] = "NET_BANKING", ["bankTransactionId"] = "B" + number, ["bankId"] = "TEST" },
                _ => new JsonObject { ["type"] = "ACCOUNT", ["maskedAccountNumber"] = "XXXXXX0001", ["ifsc"] = "TEST0000001", ["accountType"] = "SAVINGS" },
            },
        };
    }
}

sealed class PhonePeRefund(string id, string transaction, string reference, PhonePeOrder order, long amount, DateTimeOffset at)
{
    public string Id => id;

    public string Transaction => transaction;

    public string Reference => reference;

    public PhonePeOrder Order => order;

    public long Amount => amount;

    public string State { get; set; } = "PENDING";

    public DateTimeOffset? ReturnedAt { get; set; }

    public JsonObject Json()
    {
        var json = new JsonObject
        {
            ["merchantId"] = order.Merchant,
            ["merchantRefundId"] = reference,
            ["originalMerchantOrderId"] = order.Reference,
            ["refundId"] = id,
            ["amount"] = amount,
            ["state"] = State,
            ["timestamp"] = at.ToUnixTimeMilliseconds(),
        };
        if (State == "FAILED") (json["errorCode"], json["detailedErrorCode"]) = ("BANK_TECHNICAL_ISSUE", "U90");
        var paid = order.Tries.Find(t => t.State == "COMPLETED");
        json["paymentDetails"] = new JsonArray(new JsonObject
        {
            ["transactionId"] = transaction,
            ["paymentMode"] = paid?.Mode,
            ["timestamp"] = at.ToUnixTimeMilliseconds(),
            ["amount"] = amount,
            ["state"] = State,
        });
        return json;
    }
}

/// <summary>All that this PhonePe knows, by every name it is asked for.</summary>
sealed class PhonePeVault
{
    /// <summary>A load that goes on for ever must not fill the memory: beyond this the oldest orders are forgotten.</summary>
    const int OrdersKept = 250_000;

    int numbers;

    /// <summary>By the merchant's name, which is taken for ever.</summary>
    public ConcurrentDictionary<string, PhonePeOrder> Orders { get; } = new();

    public ConcurrentDictionary<string, PhonePeOrder> OrdersByPage { get; } = new();

    public ConcurrentDictionary<string, PhonePeTry> Tries { get; } = new();

    public ConcurrentDictionary<string, PhonePeRefund> Refunds { get; } = new();

    public ConcurrentQueue<PhonePeOrder> InOrder { get; } = new();

    public int NextNumber() => Interlocked.Increment(ref numbers) & int.MaxValue;

    public void Keep(PhonePeOrder order)
    {
        InOrder.Enqueue(order);
        if (Orders.Count <= OrdersKept || !InOrder.TryDequeue(out var oldest)) return;
        Orders.TryRemove(new(oldest.Reference!, oldest));
        OrdersByPage.TryRemove(oldest.Page, out _);
        lock (oldest.Gate)
        {
            foreach (var one in oldest.Tries) Tries.TryRemove(one.Id, out _);
            foreach (var one in oldest.Refunds) Refunds.TryRemove(one.Reference, out _);
        }
    }
}
