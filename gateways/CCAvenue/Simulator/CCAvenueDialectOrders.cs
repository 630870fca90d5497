using System.Globalization;
using System.Text.Json.Nodes;

namespace Purser.Sandbox.CCAvenue;

/// <summary>What CCAvenue tells of orders, what a merchant confirms or cancels of them, and the invoices that lead to a page.</summary>
public sealed partial class CCAvenueDialect
{
    const int UsualRows = 100;

    /// <summary>By CCAvenue's own number; by the merchant's it is the newest try, whatever came of the others.</summary>
    JsonObject TrackOrder(JsonObject asked)
    {
        const string command = "orderStatusTracker";
        var (reference, order) = (CCAvenueText.Of(asked, "reference_no"), CCAvenueText.Of(asked, "order_no"));
        if (reference is null && order is null) return CCAvenueRules.Refusal(command, "51001", "Reference number is required.");
        if (reference is not null && !reference.All(char.IsAsciiDigit)) return CCAvenueRules.Refusal(command, "51002", "Reference number is not valid.");
        if (order is not null && !CCAvenueRules.IsOrderNumber(order)) return CCAvenueRules.Refusal(command, "51018", "Order number is not valid.");
        var one = reference is not null ? vault.Tries.GetValueOrDefault(reference) : vault.TriesByOrder.GetValueOrDefault(order!)?.LastOrDefault();
        if (one is null || (order is not null && one.Page.OrderNumber != order)) return CCAvenueRules.Refusal(command, CCAvenueRules.NoRecord, "No records found.");
        lock (one.Page.Gate)
        {
            var told = one.StatusJson();
            (told["status"], told["error_desc"], told["error_code"]) = (0, "", "");
            return told;
        }
    }

    /// <summary>All tries of the days, oldest first.</summary>
    JsonObject LookUpOrders(JsonObject asked)
    {
        const string command = "orderLookup";
        if (CCAvenueText.Of(asked, "from_date") is not { } begin) return CCAvenueRules.Refusal(command, "51006", "From date is required.");
        if (CCAvenueText.ReadDate(begin) is not { } from) return CCAvenueRules.Refusal(command, "51007", "From date is not dd-MM-yyyy.");
        var to = CCAvenueText.Day(world.Now);
        if (CCAvenueText.Of(asked, "to_date") is { } end)
            if (CCAvenueText.ReadDate(end) is { } last) to = last;
            else return CCAvenueRules.Refusal(command, "51008", "To date is not dd-MM-yyyy.");
        if (CCAvenueText.Of(asked, "order_no") is { } order && !CCAvenueRules.IsOrderNumber(order)) return CCAvenueRules.Refusal(command, "51018", "Order number is not valid.");
        var (least, most) = (CCAvenueText.Of(asked, "order_min_amount"), CCAvenueText.Of(asked, "order_max_amount"));
        if ((least is not null && CCAvenueText.Paise(least) is null) || (most is not null && CCAvenueText.Paise(most) is null))
            return CCAvenueRules.Refusal(command, "51015", "Amount is not valid.");
        var found = Candidates(asked).Where(t => CCAvenueText.Day(t.At) >= from && CCAvenueText.Day(t.At) <= to && Fits(t, asked)
            && t.Amount >= (CCAvenueText.Paise(least) ?? 0) && t.Amount <= (CCAvenueText.Paise(most) ?? long.MaxValue)).ToList();
        if (found.Count == 0) return CCAvenueRules.Refusal(command, CCAvenueRules.NoRecord, "No records found.");
        var (page, size) = Paging(asked);
        return new()
        {
            ["order_Status_List"] = List(found.Skip((page - 1) * size).Take(size).Select(Told)),
            ["page_count"] = Pages(found.Count, size),
            ["total_records"] = found.Count,
            ["error_desc"] = "",
            ["error_code"] = "",
        };

        static JsonObject Told(CCAvenueTry one)
        {
            lock (one.Page.Gate) return one.StatusJson();
        }
    }

    IEnumerable<CCAvenueTry> Candidates(JsonObject asked) => (CCAvenueText.Of(asked, "reference_no"), CCAvenueText.Of(asked, "order_no")) switch
    {
        ({ } reference, _) => vault.Tries.TryGetValue(reference, out var one) ? [one] : [],
        (_, { } order) => vault.TriesByOrder.TryGetValue(order, out var some) ? some : [],
        _ => vault.Tries.Values.OrderBy(t => t.TrackingId, StringComparer.Ordinal),
    };

    static bool Fits(CCAvenueTry one, JsonObject asked)
    {
        lock (one.Page.Gate)
            return Is("order_no", one.Page.OrderNumber) && Is("order_status", one.Status) && Is("order_currency", one.Page.Currency)
                && Is("order_email", one.Page.Said("billing_email"));

        bool Is(string name, string? value) => CCAvenueText.Of(asked, name) is not { } wanted || wanted == value;
    }

    static (int Page, int Size) Paging(JsonObject asked)
    {
        return (Number("page_number", 1), Math.Min(Number("no_of_records", UsualRows), UsualRows));

        int Number(string name, int usual) =>
            int.TryParse(CCAvenueText.Of(asked, name), NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is > 0 and < 1_000_000 ? n : usual;
    }

    static int Pages(int records, int size) => (records + size - 1) / size;

    /// <summary>Confirmed, wholly or in part but once, or let go: what a bank approved and the merchant has not confirmed.</summary>
    JsonObject ChangeOrders(JsonObject asked, bool confirm)
    {
        JsonObject?[] wanted = asked["order_List"] switch { JsonArray many => [.. many.Select(o => o as JsonObject)], JsonObject one => [one], _ => [] };
        if (wanted.Length == 0) return CCAvenueRules.Refusal("", "51001", "Reference number is required.");
        var failed = new List<JsonObject>();
        foreach (var order in wanted)
            if ((order is null ? ("51001", "Reference number is required.") : WhyUnchanged(order, confirm)) is var (code, why))
                failed.Add(new() { ["reference_no"] = order is null ? "" : CCAvenueText.Of(order, "reference_no") ?? "", ["reason"] = why, ["error_code"] = code });
        return new()
        {
            ["success_count"] = wanted.Length - failed.Count,
            ["failed_List"] = failed.Count == 0 ? new JsonArray() : List(failed),
            ["error_desc"] = "",
            ["error_code"] = "",
        };
    }

    /// <summary>Which of their codes from 51301 to 51307 means what is not published; the choice is ours.</summary>
    (string Code, string Why)? WhyUnchanged(JsonObject order, bool confirm)
    {
        if (CCAvenueText.Of(order, "reference_no") is not { } reference || !reference.All(char.IsAsciiDigit)) return ("51002", "Reference number is not valid.");
        if (CCAvenueText.Paise(CCAvenueText.Of(order, "amount")) is not { } amount) return ("51015", "Amount is not valid.");
        if (!vault.Tries.TryGetValue(reference, out var one)) return (CCAvenueRules.NoRecord, "No records found.");
        lock (one.Page.Gate)
        {
            if (one.Status != "Successful") return confirm ? ("51301", "Order cannot be confirmed.") : ("51304", "Order cannot be cancelled.");
            if (amount > one.Amount || (!confirm && amount != one.Amount)) return confirm ? ("51302", "Amount is more than the order's.") : ("51305", "Amount is not the order's.");
            if (confirm) Ship(one, amount);
            else one.Become("Cancelled", world.Now);
        }

        return null;
    }

    /// <summary>A link of CCAvenue's own, which leads to the page. It names no address to return to.</summary>
    JsonObject MakeInvoice(JsonObject asked)
    {
        const string command = "generateQuickInvoice";
        var email = CCAvenueText.Of(asked, "customer_email_id");
        if (email is not null && !(email.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && at < email.Length - 1)) return CCAvenueRules.Refusal(command, "51012", "E-mail is not valid.");
        if (CCAvenueText.Of(asked, "merchant_reference_no") is not { Length: <= 25 } reference || !reference.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            return CCAvenueRules.Refusal(command, "51072", "Merchant reference number is not valid.");
        if (CCAvenueText.Paise(CCAvenueText.Of(asked, "amount")) is not { } amount) return CCAvenueRules.Refusal(command, "51015", "Amount is not valid.");
        var currency = CCAvenueText.Of(asked, "currency") ?? "INR";
        if (!world.Settings.GetValueOrDefault("currencies", UsualCurrencies).Split(',').Contains(currency)) return CCAvenueRules.Refusal(command, Unusable, "Currency is not enabled.");
        if (!int.TryParse(CCAvenueText.Of(asked, "valid_for"), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length is < 1 or > 9999
            || Unit(CCAvenueText.Of(asked, "valid_type")) is not { } unit) return CCAvenueRules.Refusal(command, Unusable, "Validity is not valid.");

        var id = vault.NextInvoice();
        // Which number the payment of an invoice has is not published.
        var order = world.Settings.GetValueOrDefault("invoice_order") == "own" ? "INV" + id : reference;
        var said = new Dictionary<string, string> { ["order_id"] = order, ["currency"] = currency, ["merchant_param1"] = reference, ["billing_email"] = email ?? "" };
        var page = NewPage(said, amount, CCAvenueText.Of(asked, "invoice_description") ?? "Invoice " + id, ofForm: false);
        page.ExpiresAt = world.Now + (unit * length);
        vault.Keep(page);
        world.Deadlines.Add(page);
        return new()
        {
            ["invoice_status"] = 0,
            ["invoice_id"] = id,
            ["tiny_url"] = page.Url,
            ["qr_code"] = "",
            ["merchant_reference_no"] = reference,
            ["error_code"] = "",
            ["error_desc"] = "",
        };

        static TimeSpan? Unit(string? name) => name switch
        {
            "minutes" => TimeSpan.FromMinutes(1),
            "hours" => TimeSpan.FromHours(1),
            "days" => TimeSpan.FromDays(1),
            _ => null,
        };
    }

    /// <summary>For what an invoice is refused of which no code is published.</summary>
    const string Unusable = CCAvenueRules.Busy;
}
