using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace Purser.Sandbox.CCAvenue;

/// <summary>CCAvenue of India from its documents: the encrypted form for the page, and the one address of the server API. What orders, refunds and
/// settlements answer, and what shoppers do, stands in the other parts. Settings where the documents leave something open:
/// <c>profile</c>=gcm (the newer way to encrypt), <c>padding</c>=twice (padded by hand as well), <c>tail</c>=code (an empty code after an answer),
/// <c>types</c>=text (numbers come as texts), <c>lists</c>=collapse (a list of one is that one), <c>spelling</c>=right (of the list of payouts),
/// <c>api_access_code</c> and <c>api_working_key</c> (a pair of its own for the server API), <c>website</c> (the only one whose forms are taken),
/// <c>api</c>=busy, <c>currencies</c>=INR,USD, <c>session_minutes</c>, <c>order_status_url</c> (where a browser returns that was given no address),
/// <c>return</c>=none or empty, <c>retry</c>=page (a declined try leaves the page open), <c>decline</c>=Invalid, <c>late</c>=Timeout (what comes late looked
/// lost), <c>reconciles</c>=Fraud, <c>confirm</c>=manual, <c>triggers</c>=on (amounts choose what happens), <c>risk</c>=High or Low,
/// <c>aftermath</c>=Chargeback or Systemrefund, <c>refund</c>=TS-REFF, TS-REFD or stuck, <c>refunds</c>=once, <c>no_refunds</c>=error,
/// <c>refund_sign</c>=minus (in settlements), <c>den_retries</c>=on, <c>invoice_order</c>=own (an invoice's payment has a number of its own).</summary>
public sealed partial class CCAvenueDialect : IGatewayDialect
{
    const string MerchantId = "424242", AccessCode = "AVSB00PURSER01SBOX", WorkingKey = "5A4B3C2D1E0F69788796A5B4C3D2E1F0";

    const string FormPath = "/transaction/transaction.do", ApiPath = "/apis/servlet/DoWebTrans", PagePath = "/transaction/page/";

    const string PageText = "text/html;charset=UTF-8";

    /// <summary>A merchant needs an agreement for each but the first; this one has them.</summary>
    const string UsualCurrencies = "INR,USD,GBP,EUR,SGD,AED";

    const int UsualSessionMinutes = 15;

    GatewayWorld world = null!;
    CCAvenueVault vault = new();

    public string Name => "ccavenue";

    public int DefaultPort => 7415;

    public IReadOnlyDictionary<string, string> Credentials { get; } = new Dictionary<string, string>
    {
        ["merchant_id"] = MerchantId,
        ["access_code"] = AccessCode,
        ["working_key"] = WorkingKey,
    };

    /// <summary>Notifications have no secret of their own.</summary>
    public string WebhookSecret => WorkingKey;

    public IReadOnlySet<string> AmountFields { get; } = new HashSet<string>
    {
        "amount", "mer_amount", "order_amt", "order_gross_amt", "order_capt_amt", "refund_amt", "amt_payable", "pay_amount",
    };

    public IReadOnlySet<string> IdentityFields { get; } = new HashSet<string>
    {
        "order_id", "tracking_id", "order_no", "reference_no", "ccavenue_ref_no", "refund_mer_ref_no", "merchant_reference_no",
    };

    public void Open(GatewayWorld world)
    {
        this.world = world;
        vault = new();
    }

    public string CallName(Call call) => (call.Method, call.Path) switch
    {
        ("POST" or "GET", FormPath) => "create_link",
        ("POST", ApiPath) => Fields(call.BodyText)?.GetValueOrDefault("command") switch
        {
            "orderStatusTracker" or "orderLookup" => "inquire",
            "cancelOrder" => "cancel",
            "refundOrder" => "refund",
            "getRefundDetails" => "inquire_refund",
            "payoutSummary" or "payIdDetails" or "getSettlementDetails" => "settlement",
            "generateQuickInvoice" => "create_link",
            _ => "other",
        },
        _ => "other",
    };

    public async Task<Reply> Answer(Call call)
    {
        await call.Work();
        var reply = (call.Method, call.Path) switch
        {
            ("POST", FormPath) => ReceiveForm(call, Fields(call.BodyText), framed: false),
            ("GET", FormPath) => ReceiveForm(call, call.Query.ToDictionary(q => q.Key, q => q.Value.ToString()), framed: true),
            ("POST", ApiPath) => Serve(Fields(call.BodyText)),
            _ => Html(404, "Not Found", "There is nothing here."),
        };
        return call.Instead ?? reply;
    }

    public Reply Trouble(int status) => Html(status, "Service Temporarily Unavailable", "Please try again later.");

    public string? PlainWords(Call call)
    {
        var form = Fields(call.BodyText);
        var said = form?.GetValueOrDefault("encRequest") is { } page ? Decrypted(page, WorkingKey)
            : form?.GetValueOrDefault("enc_request") is { } asked ? Decrypted(asked, world.Settings.GetValueOrDefault("api_working_key", WorkingKey)) : null;
        return said ?? Inspector.PlainWords.Of(call);
    }

    /// <summary>Each order by its latest page.</summary>
    public IEnumerable<Link> Links() => vault.InOrder.Where(p => vault.Latest.GetValueOrDefault(p.OrderNumber) == p);

    public Link? LinkByReference(string reference) => vault.Latest.GetValueOrDefault(reference);

    public Link? LinkByPage(string path) => vault.PagesByPath.GetValueOrDefault(path);

    /// <summary>Each field once; null for a body that is no such form.</summary>
    static Dictionary<string, string>? Fields(string body)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var (name, values) in QueryHelpers.ParseQuery(body))
                if (values is [{ } value]) fields[name] = value;
                else return null;
        }
        catch (InvalidDataException)
        {
            return null;
        }

        return fields;
    }

    /// <summary>The page that the browser is sent to; or a page that says what is wrong, and then nothing is made and nobody is told.</summary>
    Reply ReceiveForm(Call call, Dictionary<string, string>? form, bool framed)
    {
        if (call.Asked("command") != "initiateTransaction") return PageError(CCAvenueRules.BadRequest, "There is no such command.");
        if (form is null) return PageError(CCAvenueRules.BadRequest, "The request cannot be read.");
        if (form.GetValueOrDefault("access_code") != AccessCode) return PageError(CCAvenueRules.NotAllowed, "Merchant Authentication failed.");
        if (world.Settings.GetValueOrDefault("website") is { } website
            && (call.Header("Origin") ?? call.Header("Referer") ?? "") is var from && !$"{from}/".StartsWith($"{website.TrimEnd('/')}/", StringComparison.Ordinal))
            return PageError(CCAvenueRules.NotAllowed, "Merchant Authentication failed.");
        if (form.GetValueOrDefault("encRequest") is not { Length: > 0 } hex || Decrypted(hex, WorkingKey) is not { } text || CCAvenueText.Fields(text) is not { } said)
            return PageError(CCAvenueRules.BadRequest, "The parameter encRequest cannot be read.");
        if (framed && (said.GetValueOrDefault("integration_type") != "iframe_normal" || form.GetValueOrDefault("merchant_id") != MerchantId))
            return PageError(CCAvenueRules.BadRequest, "The request was not posted by a form.");
        var currencies = world.Settings.GetValueOrDefault("currencies", UsualCurrencies).Split(',').ToHashSet();
        if (CCAvenueRules.WrongForm(said, MerchantId, currencies, world.Settings.ContainsKey("order_status_url")) is { } wrong)
            return PageError(CCAvenueRules.BadRequest, wrong);
        var page = NewPage(said, CCAvenueText.Paise(said["amount"])!.Value, "Order " + said["order_id"], ofForm: true);
        var minutes = world.Settings.TryGetValue("session_minutes", out var set) ? int.Parse(set, CultureInfo.InvariantCulture) : UsualSessionMinutes;
        lock (page.Gate)
        {
            vault.NewTry(page, world.Now);
            page.ExpiresAt = world.Now.AddMinutes(minutes);
        }

        vault.Keep(page);
        world.Deadlines.Add(page);
        return Reply.Redirect(page.Url!);
    }

    CCAvenuePage NewPage(IReadOnlyDictionary<string, string> said, long amount, string description, bool ofForm) =>
        new(said, amount, new Uri(world.Address, PagePath + world.NextId("", 24)), world.Now) { Description = description, OfForm = ofForm };

    Reply Serve(Dictionary<string, string>? form)
    {
        if (form is null) return Refused("51401", "request_type is required.");
        if (form.GetValueOrDefault("request_type") is not { Length: > 0 } requestType) return Refused("51401", "request_type is required.");
        if (form.GetValueOrDefault("command") is not { Length: > 0 } command) return Refused("51402", "command is required.");
        if (form.GetValueOrDefault("access_code") is not { Length: > 0 } accessCode) return Refused("51403", "access_code is required.");
        if (form.GetValueOrDefault("enc_request") is not { Length: > 0 } hex) return Refused("51408", "enc_request is required.");
        // They also speak XML and a text with pipes, which nobody here has documents of.
        if (requestType != "JSON") return Refused("51404", "request_type is not valid.");
        if (form.GetValueOrDefault("response_type", "JSON") != "JSON") return Refused("51405", "response_type is not valid.");
        var (code, key) = (world.Settings.GetValueOrDefault("api_access_code", AccessCode), world.Settings.GetValueOrDefault("api_working_key", WorkingKey));
        if (accessCode != code) return Refused("51407", "Access denied.");
        if (Decrypted(hex, key) is not { } text) return Refused("-1", "enc_request could not be decrypted.");
        if (!CCAvenueRules.Knows(command)) return Refused("51410", "Command is not valid.");
        var version = form.GetValueOrDefault("version", "");
        if (!CCAvenueRules.Speaks(command, version)) return Refused("51421", "Version is not valid.");
        if (Parsed(text) is not { } asked) return Refused("51411", "JSON is malformed.");
        return Encrypted(CCAvenueRules.Wrapped(command, version, Shaped(command, asked)), key);
    }

    JsonObject Shaped(string command, JsonObject asked)
    {
        var answer = world.Settings.GetValueOrDefault("api") == "busy" ? CCAvenueRules.Refusal(command, CCAvenueRules.Busy, "Unable to process your request.") : command switch
        {
            "orderStatusTracker" => TrackOrder(asked),
            "orderLookup" => LookUpOrders(asked),
            "confirmOrder" or "cancelOrder" => ChangeOrders(asked, command == "confirmOrder"),
            "refundOrder" => Refund(asked),
            "getRefundDetails" => RefundDetails(asked),
            "payoutSummary" => PayoutSummary(asked),
            "payIdDetails" => PayoutRows(asked),
            "getSettlementDetails" => SettlementDetails(asked),
            _ => MakeInvoice(asked),
        };
        return world.Settings.GetValueOrDefault("types") == "text" ? (JsonObject)CCAvenueRules.WithTexts(answer)! : answer;
    }

    static JsonObject? Parsed(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A list as it comes: some of theirs are no lists when they have one item.</summary>
    JsonNode List(IEnumerable<JsonObject> items)
    {
        JsonNode?[] all = [.. items];
        return all is [{ } only] && world.Settings.GetValueOrDefault("lists") == "collapse" ? only : new JsonArray(all);
    }

    string Encrypt(string text, string key) => world.Settings.GetValueOrDefault("profile") == "gcm"
        ? CCAvenueCipher.EncryptSealed(text, key, Encoding.ASCII.GetBytes(world.NextId("", 16)))
        : CCAvenueCipher.EncryptClassic(text, key, twice: world.Settings.GetValueOrDefault("padding") == "twice");

    string? Decrypted(string hex, string key) =>
        world.Settings.GetValueOrDefault("profile") == "gcm" ? CCAvenueCipher.DecryptSealed(hex, key) : CCAvenueCipher.DecryptClassic(hex, key);

    /// <summary>A line ends within the answer, as theirs do.</summary>
    Reply Encrypted(JsonObject answer, string key)
    {
        var tail = world.Settings.GetValueOrDefault("tail") == "code" ? "\r\n&enc_error_code=" : "\r\n";
        return new(200, answer)
        {
            ContentType = PageText,
            Written = said => Encoding.ASCII.GetBytes($"status=0&enc_response={Encrypt(said?.ToJsonString(Wire.Compact) ?? "", key)}{tail}"),
        };
    }

    /// <summary>What is said when nothing could be read is not encrypted, and not an HTTP error either.</summary>
    static Reply Refused(string code, string why) =>
        Reply.Raw(200, PageText, Encoding.UTF8.GetBytes($"status=1&enc_response={why}&enc_error_code={code}")) with { Executed = false };

    static Reply PageError(string code, string why) => Html(400, $"Error Code: {code}", why) with { Executed = false };

    static Reply Html(int status, string title, string text) => Reply.Raw(status, PageText, Encoding.UTF8.GetBytes(
        $"<!DOCTYPE html><html lang=\"en\"><head><title>{WebUtility.HtmlEncode(title)}</title></head><body><h1>{WebUtility.HtmlEncode(title)}</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>"));
}
