using System.Text.Json.Nodes;

namespace Purser.Sandbox.Stripe;

// The balance and what is paid out of it. Here the money of a day and currency (by UTC) is one payout that arrives the same day. The setting payouts
// says whether that can be itemised: automatic, in_progress (not yet), manual (never).
public sealed partial class StripeDialect
{
    static readonly HashSet<string> BalanceFields =
        ["payout", "source", "type", "created", "currency", "limit", "starting_after", "ending_before", "expand"];

    static readonly HashSet<string> PayoutFields = ["arrival_date", "created", "status", "destination", "limit", "starting_after", "ending_before", "expand"];

    Reply ReadBalance(string id) =>
        (vault.Entries.GetValueOrDefault(id) ?? Payouts().Select(p => p.Entry).FirstOrDefault(e => e.Id == id)) is { } entry
            ? new(200, entry.Json(StripeExpansion.None)) : StripeDialectRules.Missing("balance_transaction", id);

    Reply ListBalance(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, BalanceFields, "") is { } strange) return strange;
        if (StripeExpansion.Read(asked["expand"], true, out var expand) is { } wrong) return wrong;
        IEnumerable<StripeEntry> found;
        if ((string?)asked["payout"] is { } payoutId)
        {
            if (Payouts().FirstOrDefault(p => p.Id == payoutId) is not { } payout) return StripeDialectRules.Missing("payout", payoutId);
            switch (world.Settings.GetValueOrDefault("payouts"))
            {
                case "manual": return StripeDialectRules.Bad("Balance transaction history can only be filtered on automatic payouts, not manual.", "payout");
                case "in_progress": return StripeDialectRules.Bad("The reconciliation of this payout is not ready.", "payout", "payout_reconciliation_not_ready");
            }

            found = payout.Rows.Append(payout.Entry);
        }
        else
        {
            found = vault.EntryOrder.Concat(Payouts().Select(p => p.Entry));
        }

        var window = StripeWindow.Read(asked["created"]);
        var (source, type, currency) = ((string?)asked["source"], (string?)asked["type"], (string?)asked["currency"]);
        var rows = found.Where(e => (source is null || e.SourceId == source) && (type is null || e.Type == type) && (currency is null || e.Currency == currency)
            && e.At >= window.Least && e.At <= window.Most).Reverse().ToList();
        return Page(asked, rows, e => e.Id, "/v1/balance_transactions", e => e.Json(expand));
    }

    Reply ListPayouts(JsonObject asked)
    {
        if (StripeDialectRules.Strange(asked, PayoutFields, "") is { } strange) return strange;
        var (arrival, created, status) = (StripeWindow.Read(asked["arrival_date"]), StripeWindow.Read(asked["created"]), (string?)asked["status"]);
        var found = Payouts().Where(p => p.ArrivesAt >= arrival.Least && p.ArrivesAt <= arrival.Most && p.Entry.At >= created.Least && p.Entry.At <= created.Most
            && status is null or "paid").Reverse().ToList();
        return Page(asked, found, p => p.Id, "/v1/payouts", PayoutJson);
    }

    Reply ReadPayout(string id) => Payouts().FirstOrDefault(p => p.Id == id) is { } payout ? new(200, PayoutJson(payout)) : StripeDialectRules.Missing("payout", id);

    JsonObject PayoutJson(StripePayout payout)
    {
        var manual = world.Settings.GetValueOrDefault("payouts") == "manual";
        return new()
        {
            ["id"] = payout.Id,
            ["object"] = "payout",
            ["amount"] = -payout.Entry.Amount,
            ["arrival_date"] = payout.ArrivesAt,
            ["automatic"] = !manual,
            ["balance_transaction"] = payout.Entry.Id,
            ["created"] = payout.Entry.At,
            ["currency"] = payout.Entry.Currency,
            ["livemode"] = false,
            ["metadata"] = new JsonObject(),
            ["method"] = "standard",
            ["reconciliation_status"] = manual ? "not_applicable" : world.Settings.GetValueOrDefault("payouts") == "in_progress" ? "in_progress" : "completed",
            ["status"] = "paid",
            ["trace_id"] = null,
            ["type"] = "bank_account",
        };
    }

    List<StripePayout> Payouts() =>
    [
        .. vault.EntryOrder.GroupBy(e => (Midnight: e.At / 86_400 * 86_400, e.Currency)).Select(group =>
        {
            var (id, entryId) = vault.PayoutNames.GetOrAdd(group.Key, _ => (world.NextId("po_", 24), world.NextId("txn_", 24)));
            var rows = group.ToList();
            var entry = new StripeEntry(entryId, "payout", -rows.Sum(e => e.Amount - e.Fee), 0, group.Key.Currency, rows[^1].At, "STRIPE PAYOUT", id,
                () => new() { ["id"] = id, ["object"] = "payout" });
            return new StripePayout(id, group.Key.Midnight, entry, rows);
        }),
    ];

    /// <summary>A page of a list, newest first.</summary>
    static Reply Page<T>(JsonObject asked, IReadOnlyList<T> all, Func<T, string> name, string url, Func<T, JsonObject> json)
    {
        var limit = StripeDialectRules.Number(asked["limit"]) ?? UsuallyListed;
        if (limit is < 1 or > MostListed) return StripeDialectRules.Bad("This value must be from 1 to 100.", "limit");
        var from = 0;
        if ((string?)asked["starting_after"] is { } after)
        {
            while (from < all.Count && name(all[from]) != after) from++;
            if (from++ == all.Count) return StripeDialectRules.Missing("object", after);
        }

        return List(all.Skip(from).Take((int)limit).Select(json), all.Count > from + limit, url);
    }
}

/// <summary>A movement of the merchant's balance: a balance transaction. Amounts in the smallest unit, with a sign.</summary>
sealed record StripeEntry(string Id, string Category, long Amount, long Fee, string Currency, long At, string Description, string SourceId, Func<JsonObject> Source)
{
    const int DaysUntilAvailable = 7;

    public string Type => Category;

    public JsonObject Json(StripeExpansion expand) => new()
    {
        ["id"] = Id,
        ["object"] = "balance_transaction",
        ["amount"] = Amount,
        ["available_on"] = At + (DaysUntilAvailable * 86_400),
        ["balance_type"] = "payments",
        ["created"] = At,
        ["currency"] = Currency,
        ["description"] = Description,
        ["exchange_rate"] = null,
        ["fee"] = Fee,
        ["fee_details"] = Fee == 0 ? new JsonArray() : new JsonArray(new JsonObject
        {
            ["amount"] = Fee,
            ["application"] = null,
            ["currency"] = Currency,
            ["description"] = "Stripe processing fees",
            ["type"] = "stripe_fee",
        }),
        ["net"] = Amount - Fee,
        ["reporting_category"] = Category,
        ["source"] = expand.Has("source") ? Source() : SourceId,
        ["status"] = "pending",
        ["type"] = Type,
    };
}

/// <param name="ArrivesAt">Midnight, by UTC.</param>
/// <param name="Entry">Its own row in the balance.</param>
sealed record StripePayout(string Id, long ArrivesAt, StripeEntry Entry, IReadOnlyList<StripeEntry> Rows);
