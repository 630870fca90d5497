using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Purser.Orders;
using Purser.Refunds;
using Purser.Server.Doctor;
using Purser.Server.Invoices;
using Purser.Server.Tests.Checkout;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Invoices;

/// <summary>A whole server with a seller, whose books can be held back so that a test takes the numbers itself.</summary>
public sealed class InvoiceHouse : IAsyncLifetime
{
    public static (string Name, string Value)[] Seller { get; } =
    [
        ("Purser:Invoices:Seller", "Leaf & Kettle Private Limited"), ("Purser:Invoices:Address", "12 Church Street, Bengaluru 560001"), ("Purser:Invoices:State", "KA"),
        ("Purser:Invoices:TaxId", "29AAAAA0000A1ZY"), ("Purser:Invoices:Tax", "gst"), ("Purser:Invoices:TaxRate", "18"), ("Purser:Invoices:Hsn", "0902"),
        ("Purser:Invoices:TimeZone", "Asia/Kolkata"),
    ];

    DateTimeOffset told = TimeProvider.System.GetUtcNow().AddMinutes(-1);

    public PageHouse Pages { get; init; } = new() { Also = Seller.ToDictionary(s => s.Name, s => (string?)s.Value) };

    public NpgsqlDataSource Database => Pages.Host.Services.GetRequiredService<NpgsqlDataSource>();
    public InvoiceIssuer Issuer => Pages.Host.Services.GetRequiredService<InvoiceIssuer>();
    public InvoiceStore Store => Pages.Host.Services.GetRequiredService<InvoiceStore>();

    public Task InitializeAsync() => Pages.InitializeAsync();

    public Task DisposeAsync() => Pages.DisposeAsync();

    public async Task<long> Count(string sql)
    {
        await using var ask = Database.CreateCommand(sql);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    public async Task Do(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>From now on nobody issues but the test.</summary>
    public Task HoldBack() => Do("update webhook_endpoints set status = 1 where id = 'invoices'");

    public Task GoOn() => Do("update webhook_endpoints set status = 0 where id = 'invoices'");

    public Task NoneWait() => Until.True(async () => await Count("select count(*) from deliveries where state = 0") == 0, "all deliveries to end");

    public async Task<Order> Paid(long amount = 49_900, params OrderLine[] lines) => await Pages.Pay(await Pages.Open(await Pages.Place(amount, lines: lines)));

    public async Task<Order> Refund(Order order, long? amount = null)
    {
        order = await Pages.Do(order.Id, new OrderCommand.Refund(null, amount is { } units ? order.Amount with { MinorUnits = units } : null, null));
        var refund = order.Refunds[^1];
        return await Hear(order, refund.Number, new RefundEvidence.Succeeded(refund.Amount, "ARN-1"));
    }

    public Task<Order> Hear(Order order, int refund, RefundEvidence evidence) =>
        Pages.Do(order.Id, evidence.Learned(refund, order.Refund(refund)!.Payment, EvidenceSource.Webhook, told = told.AddSeconds(1), null));

    /// <summary>A statement does not have the money, and the gateway says twice that there was none.</summary>
    public async Task Deny(Order order)
    {
        await Pages.Hear(order, new Evidence.Unsettled(order.Payments[0].Captures[0].MoneyReference, "It is in no statement."), source: EvidenceSource.Settlement);
        for (var answers = 0; answers < 2; answers++) order = await Pages.Hear(order, new Evidence.Failed("never_captured"), source: EvidenceSource.Inquiry);
        order.Status.ShouldBe(OrderStatus.Cancelled);
    }

    public async Task NothingIsWrong() =>
        (await new InvariantStore(Database).Check(default)).Where(f => f.Count > 0 && !f.Name.StartsWith("No success without authenticated", StringComparison.Ordinal)).ShouldBeEmpty();
}
