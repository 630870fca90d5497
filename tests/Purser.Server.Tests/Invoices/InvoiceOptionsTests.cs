using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Purser.Server.Invoices;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Tests.Platform;
using Purser.Server.Tests.Settlement;

namespace Purser.Server.Tests.Invoices;

public sealed class InvoiceOptionsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static string Here([CallerFilePath] string path = "") => path;

    static List<string> Faults(params (string Name, string? Value)[] changed)
    {
        var settings = InvoiceHouse.Seller.ToDictionary(s => s.Name, s => (string?)s.Value);
        foreach (var (name, value) in changed)
            if (value is null) settings.Remove($"{InvoiceOptions.Section}:{name}");
            else settings[$"{InvoiceOptions.Section}:{name}"] = value;
        return [.. InvoiceOptions.Faults(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())];
    }

    [Fact]
    public void The_settings_of_the_guide_are_good()
    {
        var guide = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/invoices.md"));
        var samples = Regex.Matches(guide, "```json\n(\\{\n  \"Purser\".*?)```", RegexOptions.Singleline);
        samples.Count.ShouldBe(3);
        foreach (Match sample in samples)
        {
            using var json = new MemoryStream(Encoding.UTF8.GetBytes(sample.Groups[1].Value));
            var configuration = new ConfigurationBuilder().AddJsonStream(json).Build();
            InvoiceOptions.Faults(configuration).ShouldBeEmpty();
            InvoiceOptions.Of(configuration).IsConfigured.ShouldBeTrue();
        }
    }

    [Theory]
    [InlineData("TEAS", 999_999, 899_999)]
    [InlineData("INV", 9_999_999, 8_999_999)]
    public void Under_GST_a_series_is_called_nearly_full_while_a_tenth_of_its_numbers_is_left(string prefix, long last, long quiet)
    {
        var options = new InvoiceOptions { Tax = "gst", Prefix = prefix };
        var series = InvoiceSeries.Both(options, "Asia/Kolkata", new DateTimeOffset(2027, 3, 31, 18, 0, 0, TimeSpan.Zero))[0];
        (series.Name, series.LastUnderGst).ShouldBe(($"{prefix}-2627", last));
        (series.Number(last).Length, series.Number(last + 1).Length).ShouldBe((16, 17));
        (series.IsNearlyFull(quiet), series.IsNearlyFull(quiet + 1), series.Place(series.Number(quiet))).ShouldBe((false, true, quiet));
    }

    [Theory]
    [InlineData("gst", "TEAS", 999_998)]
    [InlineData("gst", "INV", 9_999_998)]
    [InlineData("gst", "A", 99_999_999)]
    [InlineData("vat", "TEAS", 99_999_999)]
    public void A_series_goes_on_behind_numbers_that_a_year_can_have_and_under_GST_has_room_behind_them(string tax, string prefix, long last)
    {
        var options = new InvoiceOptions { Tax = tax, Prefix = prefix };
        InvoiceSeries.Both(options, "Asia/Kolkata", new DateTimeOffset(2027, 3, 31, 18, 0, 0, TimeSpan.Zero))[0].LastToContinue(options).ShouldBe(last);
    }

    [Fact]
    public async Task The_doctor_says_when_numbers_will_soon_be_too_long_for_GST()
    {
        var database = await postgres.CreateDatabase();
        var settings = InvoiceHouse.Seller.Append(("Purser:Invoices:Prefix", "TEAS")).ToArray();
        await using var source = Database.Build(database);
        var (store, now) = (new InvoiceSeriesStore(source), TimeProvider.System.GetUtcNow());
        var series = InvoiceSeries.Both(new InvoiceOptions { Tax = "gst", Prefix = "TEAS" }, "Asia/Kolkata", now)[0];
        await store.ContinueAfter(series, 899_999, "Asha Rao", now, default);
        (await DoctorSays.Of(database, settings)).ShouldNotContain("sixteen characters");
        await store.ContinueAfter(series, 900_000, "Asha Rao", now, default);
        (await DoctorSays.Of(database, settings)).ShouldSatisfyAllConditions(
            d => d.ShouldContain($"The last number is {series.Number(900_000)}, and after {series.Number(999_999)} numbers are longer than the sixteen characters that GST allows."), d => d.ShouldContain("set Purser:Invoices:Prefix "));
    }

    [Fact]
    public void Every_setting_is_in_the_guide()
    {
        var guide = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "../../../docs/invoices.md"));
        foreach (var setting in typeof(InvoiceOptions).GetProperties().Where(p => p.CanWrite)) guide.ShouldContain($"`{setting.Name}`");
    }

    [Fact]
    public void Good_settings_have_no_fault_and_none_are_needed()
    {
        Faults().ShouldBeEmpty();
        InvoiceOptions.Faults(new ConfigurationBuilder().Build()).ShouldBeEmpty();
        InvoiceOptions.Of(new ConfigurationBuilder().Build()).IsConfigured.ShouldBeFalse();
    }

    [Theory]
    [InlineData("Seller", null), InlineData("Address", null), InlineData("Country", "DE"), InlineData("State", "Karnataka"), InlineData("State", "MH"), InlineData("TaxId", "29AAAAA0000A1ZZ")]
    [InlineData("TaxId", null), InlineData("Tax", "sales"), InlineData("TaxRate", "18 %"), InlineData("TaxRate", null), InlineData("Hsn", "tea"), InlineData("Prefix", "INVOICE")]
    [InlineData("Prefix", "i/1"), InlineData("CreditPrefix", "INV"), InlineData("YearStartsIn", "13"), InlineData("TimeZone", "Mars/Olympus"), InlineData("Footer", "a\u0007b"), InlineData("Sellar", "x")]
    public void What_is_wrong_is_named_with_its_remedy(string name, string? value) =>
        Faults((name, value)).ShouldContain(f => f.Contains($"{InvoiceOptions.Section}:{name}", StringComparison.Ordinal) && (f.Contains("set ", StringComparison.Ordinal) || f.Contains("leave", StringComparison.Ordinal) || f.Contains("correct", StringComparison.Ordinal) || f.Contains("write", StringComparison.Ordinal)));

    [Fact]
    public async Task A_server_with_a_wrong_seller_does_not_start()
    {
        var settings = new Dictionary<string, string?> { ["ConnectionStrings:Purser"] = await postgres.CreateDatabase(), ["urls"] = "http://127.0.0.1:0", [$"{InvoiceOptions.Section}:Tax"] = "gst" };
        (await Should.ThrowAsync<StartFailureException>(() => ServerHost.Start([], settings))).Message.ShouldContain($"{InvoiceOptions.Section}:Seller is missing");
    }

    [Theory]
    [InlineData("IN", "gst", """{"tax_id": "27AAPFU0939F1ZW"}""", "customer.tax_id")]
    [InlineData("IN", "gst", """{"state": "KA", "tax_id": "27AAPFU0939F1ZV"}""", "customer.state")]
    [InlineData("IN", "gst", """{"country": "IN", "state": "KA", "tax_id": "27AAPFU0939F1ZV"}""", "customer.state")]
    [InlineData("IN", "gst", """{"state": "27", "tax_id": "27AAPFU0939F1ZV"}""", null)]
    [InlineData("IN", "gst", """{"country": "DE", "state": "BY", "tax_id": "DE811569869"}""", null)]
    [InlineData("IN", "none", """{"tax_id": "27AAPFU0939F1ZW"}""", null)]
    [InlineData("IN", "gst", """{"state": "BY"}""", "customer.state")]
    [InlineData("DE", "vat", """{"state": "BY", "tax_id": "DE811569869"}""", null)]
    [InlineData("DE", "vat", """{"country": "IN", "state": "BY"}""", "customer.state")]
    public void Where_a_customer_names_no_country_the_sellers_is_meant(string country, string tax, string customer, string? fault)
    {
        var fields = new JsonFields(JsonElement.Parse($$"""{"currency": "INR", "amount": 1, "description": "x", "customer": {{customer}}}"""));
        OrderBody.Read(fields, new InvoiceOptions { Seller = "Leaf & Kettle", Country = country, Tax = tax });
        fields.Faults.Select(f => f.Field).ShouldBe(fault is null ? [] : [fault]);
    }

    [Theory]
    [InlineData("""{"state": "TX"}""", null)]
    [InlineData("""{"country": "US", "state": "TX"}""", null)]
    [InlineData("""{"country": "IN", "state": "TX"}""", "customer.state")]
    public void Where_nobody_invoices_a_customer_without_a_country_is_of_none(string customer, string? fault)
    {
        var fields = new JsonFields(JsonElement.Parse($$"""{"currency": "USD", "amount": 1, "description": "x", "customer": {{customer}}}"""));
        OrderBody.Read(fields, new InvoiceOptions());
        fields.Faults.Select(f => f.Field).ShouldBe(fault is null ? [] : [fault]);
        fields.Faults.ShouldAllBe(f => f.Remedy.Contains("'customer.country'", StringComparison.Ordinal));
    }
}
