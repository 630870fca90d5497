using System.Net.Http.Json;
using System.Text.Json;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Doctor;
using Purser.Server.Gateways;

namespace Purser.Server.CommandLine;

/// <summary>One gateway's true book in one currency beside ours, in minor units.</summary>
/// <param name="Ours">What the gateway took for us and did not give back, by our ledger.</param>
/// <param name="Settled">Of that, what its statements cleared: fees, tax and payouts.</param>
/// <param name="InStatement">Money that no question of ours can find, and that the gateway's statement of settlement tells.</param>
/// <param name="Strange">References of money that only one side knows, or that the two state differently.</param>
sealed record DemoBook(string Gateway, string Currency, int Movements, long Captured, long Refunded, long Ours, long Settled, long InStatement, IReadOnlyList<string> Strange)
{
    /// <summary>What the gateway holds for us by its own book.</summary>
    public long Theirs => Captured - Refunded;

    public bool Agree => Theirs == Ours + InStatement && Strange.Count == 0;

    /// <summary>Every movement one by one, then the sums of the ledger.</summary>
    /// <param name="untold">References of payments some of whose money may stand in the statement only.</param>
    public static async Task<IReadOnlyList<DemoBook>> Compare(
        DemoStage stage, CaptureStore store, GatewayAccounts accounts, IReadOnlySet<string> untold, CancellationToken stop)
    {
        var (sandbox, gateway) = (stage.Sandbox, stage.Gateway);
        var book = await sandbox.Control.GetFromJsonAsync<JsonElement>(new Uri($"/control/{gateway.Name}/book", UriKind.Relative), stop);
        var theirs = book.EnumerateArray().Select(m => new Movement(
            Text(m, "reference"), Text(m, "money_id"), Text(m, "currency").ToUpperInvariant(),
            m.GetProperty("amount").GetInt64() * (Text(m, "kind") == "captured" ? 1 : -1))).ToList();
        var ours = (await store.All(stop)).Concat((await store.GivenBack(stop)).Select(r => r with { Amount = -r.Amount })).Where(c => c.Account == gateway.Name)
            .Select(c => new Movement(c.Payment.Reference, c.MoneyReference, c.Amount.Currency.Code, c.Amount.MinorUnits)).ToList();
        var strangers = theirs.Except(ours).Where(m => untold.Contains(m.Reference)).ToList();
        var stated = strangers.Count == 0 ? [] : (await Statement(sandbox, gateway, accounts.Find(gateway.Name)!, stop)).Intersect(strangers).ToList();
        var owed = (await store.Receivables(stop)).Where(r => r.Account == gateway.Name).ToDictionary(r => r.Currency);
        var books = new List<DemoBook>();
        foreach (var currency in theirs.Concat(ours).Select(m => m.Currency).Concat(owed.Keys).Distinct().Order(StringComparer.Ordinal))
        {
            var (there, here) = (theirs.Where(m => m.Currency == currency).ToList(), ours.Concat(stated).Where(m => m.Currency == currency).ToList());
            var strange = there.Except(here).Concat(here.Except(there)).Select(m => m.Reference).Distinct().ToList();
            if (strange.Count == 0 && there.Count != here.Count) strange.Add("one money told twice");
            var (taken, given) = (there.Where(m => m.Amount > 0).Sum(m => m.Amount), -there.Where(m => m.Amount < 0).Sum(m => m.Amount));
            var receivable = owed.GetValueOrDefault(currency);
            books.Add(new DemoBook(
                gateway.Name, currency, there.Count, taken, given, receivable?.Taken ?? 0, -(receivable?.Cleared ?? 0), stated.Where(m => m.Currency == currency).Sum(m => m.Amount), strange));
        }
        return books;
    }

    /// <summary>The payments of the gateway's statement, as its adapter reads them.</summary>
    static async Task<IReadOnlyList<Movement>> Statement(SandboxProcess sandbox, SandboxProcess.Gateway gateway, GatewayAccounts.Entry account, CancellationToken stop)
    {
        if (account.Gateway is not ISettleByFile reads) return [];
        using var file = new MemoryStream(await sandbox.Control.GetByteArrayAsync(new Uri($"/control/{gateway.Name}/settlement", UriKind.Relative), stop));
        return [.. SettlementReader.Read(file, reads.Sheet, account.Account)
            .Where(r => r.Line is { Kind: SettlementKind.Payment, Payment: not null, MoneyReference: not null })
            .Select(r => new Movement(r.Line!.Payment!.Value.Reference, r.Line.MoneyReference!, r.Line.Amount.Currency.Code, r.Line.Amount.MinorUnits))];
    }

    static string Text(JsonElement movement, string name) => movement.GetProperty(name).GetString() ?? "";

    sealed record Movement(string Reference, string Money, string Currency, long Amount);
}
