using System.Net.Http.Json;
using System.Text.Json;
using Purser.Server.Doctor;

namespace Purser.Server.CommandLine;

/// <summary>One gateway's true book in one currency beside ours, in minor units.</summary>
/// <param name="Strange">References of money that only one side knows, or that the two state differently.</param>
sealed record DemoBook(string Gateway, string Currency, int Movements, long Theirs, long Ours, IReadOnlyList<string> Strange)
{
    public bool Agree => Theirs == Ours && Strange.Count == 0;

    /// <summary>Every movement one by one, then the sums of the ledger.</summary>
    public static async Task<IReadOnlyList<DemoBook>> Compare(SandboxProcess sandbox, IEnumerable<SandboxProcess.Gateway> gateways, CaptureStore store, CancellationToken stop)
    {
        var captured = await store.All(stop);
        var receivables = await store.Receivables(stop);
        var books = new List<DemoBook>();
        foreach (var gateway in gateways)
        {
            var book = await sandbox.Control.GetFromJsonAsync<JsonElement>(new Uri($"/control/{gateway.Name}/book", UriKind.Relative), stop);
            var theirs = book.EnumerateArray().Select(m => new Movement(
                m.GetProperty("reference").GetString() ?? "", m.GetProperty("currency").GetString()!.ToUpperInvariant(),
                m.GetProperty("amount").GetInt64() * (m.GetProperty("kind").GetString() == "captured" ? 1 : -1))).ToList();
            var ours = captured.Where(c => c.Account == gateway.Name).Select(c => new Movement(c.Payment.Reference, c.Amount.Currency.Code, c.Amount.MinorUnits)).ToList();
            var owed = receivables.Where(r => r.Key.Account == gateway.Name).ToDictionary(r => r.Key.Currency, r => r.Value);
            foreach (var currency in theirs.Select(m => m.Currency).Concat(ours.Select(m => m.Currency)).Concat(owed.Keys).Distinct().Order(StringComparer.Ordinal))
            {
                var (here, there) = (ours.Where(m => m.Currency == currency).ToLookup(m => m), theirs.Where(m => m.Currency == currency).ToLookup(m => m));
                var strange = here.Concat(there).Select(m => m.Key).Distinct().Where(m => here[m].Count() != there[m].Count()).Select(m => m.Reference).ToList();
                books.Add(new DemoBook(gateway.Name, currency, there.Sum(m => m.Count()), there.Sum(m => m.Sum(one => one.Amount)), owed.GetValueOrDefault(currency), strange));
            }
        }
        return books;
    }

    sealed record Movement(string Reference, string Currency, long Amount);
}
