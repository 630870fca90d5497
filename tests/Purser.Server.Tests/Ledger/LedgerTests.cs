using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Purser.Server.Ledger;
using Purser.Server.Tests.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Ledger;

public sealed class LedgerTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    const string Hostile = "=1+2;|, %  (x) [y] \u092A\uD83D\uDE00\"'";
    ApiHouse house = null!;

    public async Task InitializeAsync() => house = await ApiHouse.Open(await postgres.CreateDatabase());

    public async Task DisposeAsync() => await house.DisposeAsync();

    async Task<string> Paid(string currency, long amount, long? captured = null, string? reference = null)
    {
        var order = await house.Order(JsonSerializer.Serialize(new
        {
            currency,
            reference,
            lines = new[] { new { name = "A book", quantity = 1, unit_amount = amount } },
        }));
        var payment = await house.Post($"/v1/orders/{order.Text("id")}/payments", """{"gateway": "first"}""");
        var news = Situations.ScriptedGateway.News($"e {order.Text("id")}", "captured", payment.Text("reference"), captured ?? amount, $"m {order.Text("id")}", currency);
        using var content = new ByteArrayContent(news);
        content.Headers.Add("Scripted-Signature", Situations.ScriptedGateway.Sign(news));
        using var answer = await house.Http.PostAsync("/gateways/first/webhook", content);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return order.Text("id");
    }

    async Task<Dictionary<(string Account, string Currency), Money>> Balances(string query = "") =>
        (await house.Get($"/v1/balances{query}")).Body.GetProperty("balances").EnumerateArray().ToDictionary(
            b => (b.GetProperty("account").GetString()!, b.GetProperty("currency").GetString()!),
            b => new Money(b.GetProperty("amount").GetInt64(), Currency.Find(b.GetProperty("currency").GetString()!)));

    [Fact]
    public async Task Hledger_reads_the_journal_and_has_the_same_balances()
    {
        await Paid("INR", 49900, reference: Hostile);
        await Paid("INR", 10000, captured: 9999);
        await Paid("JPY", 500);
        await Paid("KWD", 1250);
        // A payout, and a row of a statement that belongs to no order.
        (await house.Count("""
            with rows as (insert into settlement_postings (account, row_key, line, ledger_account, amount, currency, file, posted_at) values
              ('first', 'payout) ; 1', 1, 'bank', 40000, 'INR', 1, now()), ('first', 'payout) ; 1', 2, 'receivable:first', -40000, 'INR', 1, now()),
              ('first', '=stray', 1, 'receivable:first', 700, 'INR', 1, now()), ('first', '=stray', 2, 'suspense', -700, 'INR', 1, now()) returning 1)
            select count(*) from rows
            """)).ShouldBe(4);

        var journal = await Text("/v1/ledger?format=hledger");
        var theirs = await HledgerProgram.Balances(journal);
        var ours = (await Balances()).Where(b => b.Value.MinorUnits != 0).ToDictionary(b => b.Key, b => b.Value.ToMajorUnits());

        ours.Count.ShouldBe(8);
        theirs.OrderBy(b => b.Key).ShouldBe(ours.OrderBy(b => b.Key));
        (await HledgerProgram.Run(journal, "balancesheet")).ShouldContain("receivable");
        (await HledgerProgram.Run(journal, "incomestatement")).ShouldContain("sales");
        (await house.Get("/v1/statements?account=bank&currency=INR")).Body.GetProperty("lines")[0].GetProperty("entry").GetString().ShouldBe("first/payout) ; 1");
        (await Text("/v1/ledger?format=csv")).ShouldContain(",first/=stray,settlement.row,,,suspense,-7.00,INR,-700");
        (await HledgerProgram.Run(journal, "print")).ShouldContain(LedgerExport.Word(Hostile));
    }

    [Theory]
    [InlineData("receivable:a  b;c")]
    [InlineData("receivable:(virtual)")]
    [InlineData("receivable:[balanced]")]
    [InlineData("receivable:a:b::c:")]
    [InlineData("receivable:* x = 5 ; y | z")]
    [InlineData("receivable:\u092A \u00A0\uFF1A\"%41")]
    [InlineData("receivable:a\nb\tc")]
    public async Task A_hostile_account_is_one_account_in_hledger_and_not_another_ones(string account)
    {
        var amount = new Money(100, Currency.Find("INR"));
        var (at, order) = (new DateTimeOffset(2026, 3, 1, 10, 0, 0, TimeSpan.Zero), new OrderId(1));
        LedgerRow[] rows =
        [
            new(at, 1, 1, 1, "evt_1", "payment.succeeded", order, account, amount, "x\n2026-03-02 * ; theft\n    bank  5 INR"),
            new(at, 1, 1, 2, "evt_1", "payment.succeeded", order, "sales", -amount),
            new(at, 2, 0, 1, $"first/{account}", LedgerRow.OfStatement, null, "bank", amount),
            new(at, 2, 0, 2, $"first/{account}", LedgerRow.OfStatement, null, "suspense", -amount),
        ];
        using var journal = new StringWriter();
        await LedgerExport.Write(LedgerExport.Hledger, rows.ToAsyncEnumerable(), journal, default);

        var balances = await HledgerProgram.Balances(journal.ToString());
        balances.Select(b => (b.Key.Account, b.Value)).ShouldBe(
            [(LedgerExport.Account(account), "1.00"), ("sales", "-1.00"), ("bank", "1.00"), ("suspense", "-1.00")], ignoreOrder: true);
        Uri.UnescapeDataString(LedgerExport.Account(account)).ShouldBe(account);
    }

    [Fact]
    public async Task The_table_shows_formulas_as_text()
    {
        await Paid("INR", 49900, reference: Hostile);
        var lines = (await Text("/v1/ledger?format=csv")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(3);
        lines[0].ShouldBe("at,entry,type,order,reference,account,amount,currency,minor_units");
        lines[1].ShouldContain(",\"'" + Hostile.Replace("\"", "\"\"", StringComparison.Ordinal) + "\",receivable:first,499.00,INR,49900");
        lines[2].ShouldEndWith(",sales,-499.00,INR,-49900");
        foreach (var start in "=+-@\t\r\uFF1D") LedgerExport.Cell(start + "x").TrimStart('"').ShouldStartWith("'");
        LedgerExport.Cell("a,\"b\"\nc").ShouldBe("\"a,\"\"b\"\"\nc\"");
        LedgerExport.Cell("plain").ShouldBe("plain");
    }

    [Fact]
    public async Task A_statement_has_every_posting_once_page_by_page_and_its_sums_are_the_balances()
    {
        for (var i = 1; i <= 5; i++) await Paid("INR", i * 100);
        await Paid("JPY", 500);
        var times = await house.Get("/v1/statements?account=sales&currency=INR");
        var middle = times.Body.GetProperty("lines")[2].GetProperty("at").GetDateTime();
        var from = $"{middle:yyyy-MM-ddTHH:mm:ss.ffffffZ}";

        var (query, seen, last) = ($"/v1/statements?account=sales&currency=INR&from={from}&limit=2", new List<JsonElement>(), default(Answered)!);
        for (string? cursor = null; ; cursor = last.Text("next"))
        {
            last = await house.Get(query + (cursor is null ? "" : $"&cursor={cursor}"));
            (last.Body.GetProperty("opening").GetInt64(), last.Body.GetProperty("closing").GetInt64()).ShouldBe((-300, -1500));
            seen.AddRange(last.Body.GetProperty("lines").EnumerateArray());
            if (last.Body.GetProperty("next").ValueKind == JsonValueKind.Null) break;
        }
        seen.Select(l => l.GetProperty("amount").GetInt64()).ShouldBe([-300, -400, -500]);
        seen.Select(l => l.GetProperty("balance").GetInt64()).ShouldBe([-600, -1000, -1500]);
        seen.Select(l => l.GetProperty("type").GetString()).Distinct().ShouldBe(["payment.succeeded"]);
        seen.Select(l => l.GetProperty("entry").GetString()).ShouldAllBe(e => e!.StartsWith("evt_"));

        (await Balances($"?at={from}"))[("sales", "INR")].MinorUnits.ShouldBe(-300);
        (await Balances())[("sales", "INR")].MinorUnits.ShouldBe(-1500);
        (await Balances()).GroupBy(b => b.Key.Currency).ShouldAllBe(g => g.Sum(b => b.Value.MinorUnits) == 0);
        (await Text($"/v1/ledger?format=csv&from={from}")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(1 + 4 * 2);
        (await house.Get($"/v1/statements?account=sales&currency=INR&to={from}")).Body.GetProperty("closing").GetInt64().ShouldBe(-300);
    }

    [Theory]
    [InlineData("/v1/balances?at=yesterday", "at")]
    [InlineData("/v1/balances?when=now", "when")]
    [InlineData("/v1/statements?currency=INR", "account")]
    [InlineData("/v1/statements?account=sale&currency=INR", "account")]
    [InlineData("/v1/statements?account=sales", "currency")]
    [InlineData("/v1/statements?account=sales&currency=XQQ", "currency")]
    [InlineData("/v1/statements?account=sales&currency=INR&cursor=x", "cursor")]
    [InlineData("/v1/statements?account=sales&currency=INR&from=2026-03-02&to=2026-03-01", "from")]
    [InlineData("/v1/ledger", "format")]
    [InlineData("/v1/ledger?format=xlsx", "format")]
    [InlineData("/v1/risk?age=1", "age")]
    public async Task A_question_that_is_wrong_is_refused_with_its_field(string path, string field)
    {
        var answer = await house.Get(path);
        (answer.Status, answer.Problem, answer.Text("field")).ShouldBe((HttpStatusCode.BadRequest, "invalid_query", field));
    }

    async Task<string> Text(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", house.Secret);
        using var answer = await house.Http.SendAsync(request);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Content.Headers.ContentDisposition!.DispositionType.ShouldBe("attachment");
        return Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync());
    }
}
