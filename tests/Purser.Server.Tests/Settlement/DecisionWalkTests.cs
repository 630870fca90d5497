using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Purser.Orders;
using Purser.Payments;
using Purser.Reconciliation;
using Purser.Refunds;
using Purser.Server.Audit;
using Purser.Server.Reconciliation;
using Purser.Server.Tests.Platform;
using static Purser.Server.Tests.Settlement.StatementGateway;

namespace Purser.Server.Tests.Settlement;

/// <summary>Weeks of statements by chance, with persons who answer what is asked, and take answers back, while the gateway tells of more. After every step the audit
/// finds nothing, the bank has what the statements say, and nothing waits in suspense without a question. PURSER_SEED tells other weeks.</summary>
public sealed class DecisionWalkTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("PURSER_SEED") ?? "1", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("ask")]
    [InlineData("act")]
    public async Task Whatever_statements_say_and_persons_answer_the_books_follow(string theirsPaid)
    {
        await using var house = await SettlementHouse.Open(await postgres.CreateDatabase(), null, ("Purser:Settlement:TheirsPaid", theirsPaid));
        await new Walk(house, new Random((Seed * 2) + (theirsPaid == "ask" ? 0 : 1))).Go(rounds: 8);
    }

    sealed class Walk(SettlementHouse house, Random chance)
    {
        readonly List<PaymentId> paid = [];
        readonly List<PaymentId> pending = [];
        readonly List<(PaymentId Payment, int Number, long Amount)> refunds = [];
        readonly List<SettlementLine> sent = [];
        readonly List<List<SettlementLine>> furthered = [];
        readonly Dictionary<string, (Money Net, string Text)> latest = [];
        readonly List<string> story = [];
        long stated;
        int names;

        LaterEvidence Later { get; } = house.Host.Services.GetRequiredService<LaterEvidence>();

        public async Task Go(int rounds)
        {
            for (var round = 0; round < rounds; round++)
                try
                {
                    for (var i = chance.Next(3, 7); i > 0; i--) await Happen();
                    await Settle();
                    await Agrees();
                    for (var i = chance.Next(2, 8); i > 0; i--) await Answer();
                    await Agrees();
                    for (var i = chance.Next(3); i > 0; i--) await Happen();
                    for (var i = chance.Next(3); i > 0; i--) await TakeBack();
                    await Later.Sweep(default);
                    await Agrees();
                }
                catch (Exception broken)
                {
                    throw new InvalidOperationException($"{broken.Message}\nafter\n{string.Join('\n', story)}", broken);
                }
            for (var most = 500; await Open(false) is [var first, ..]; most--)
            {
                most.ShouldBeGreaterThan(0, string.Join('\n', story));
                await Do(first, IsFurther(first) && chance.Next(2) == 0 ? "accept" : "close");
            }
            await Agrees();
            (await Balance("suspense")).ShouldBe(0, string.Join('\n', story));
        }

        string Name(string of) => $"{of}_{++names}";

        T Any<T>(IReadOnlyList<T> of) => of[chance.Next(of.Count)];

        /// <summary>Something at the gateway or of a merchant.</summary>
        async Task Happen()
        {
            switch (chance.Next(11))
            {
                case 0 or 1:
                    paid.Add(await house.Paid());
                    break;
                case 2 or 9:
                    pending.Add(await house.Pending(late: Any<string?>([null, "ask"])));
                    break;
                case 3 or 10 when pending.Count > 0:
                    var late = Any(pending);
                    pending.Remove(late);
                    if (chance.Next(2) == 0) await house.Post($"/v1/orders/{late.Order}/cancellation", new { });
                    await house.Tell(late, "captured", chance.Next(4) == 0 ? 40000 : 49900, Money(late));
                    paid.Add(late);
                    break;
                case 4 or 5 when paid.Count > 0:
                    var of = Any(paid);
                    var amount = Any<long>([10000, 10000, 20000]);
                    var before = await Refunds(of);
                    await house.Host.Engine.Submit(of.Order, new OrderCommand.Refund(of.Number, Inr(amount), null, null), default);
                    if (await Refunds(of) > before) refunds.Add((of, (int)before + 1, amount));
                    story.Add($"refund {before + 1} of {of}: {amount}");
                    break;
                case 6 when refunds.Count > 0:
                    var one = Any(refunds);
                    RefundEvidence said = chance.Next(4) switch { 0 => new RefundEvidence.Failed("no"), 1 => new RefundEvidence.Accepted(), _ => new RefundEvidence.Succeeded(Inr(one.Amount)) };
                    await house.Host.Engine.Submit(one.Payment.Order, (said with { RefundReference = chance.Next(3) == 0 ? null : NameOf(one) })
                        .Learned(one.Number, one.Payment.Number, EvidenceSource.Webhook, house.Host.Services.GetRequiredService<TimeProvider>().GetUtcNow(), Name("k")), default);
                    story.Add($"{said.GetType().Name} {one} {NameOf(one)}");
                    break;
                case 7 when paid.Count > 0:
                    var console = Any(paid);
                    await house.Host.Engine.Submit(console.Order, new RefundEvidence.Succeeded(Inr(10000)) { RefundReference = Name("console"), MoneyReference = Money(console) }
                        .Learned(0, console.Number, EvidenceSource.Webhook, house.Host.Services.GetRequiredService<TimeProvider>().GetUtcNow(), Name("k")), default);
                    story.Add($"console_{names - 1} gives 10000 of {console} back");
                    break;
                case 8 when paid.Count > 0:
                    var disputed = Any(paid);
                    await house.Host.Engine.Submit(disputed.Order, new Evidence.DisputeOpened(Name("d"), Inr(10000)).Learned(disputed.Number, EvidenceSource.Webhook, DateTimeOffset.UnixEpoch, null), default);
                    story.Add($"d_{names} disputes {disputed}");
                    break;
            }
        }

        static string Money(PaymentId payment) => $"m_{payment.Reference}";

        static string NameOf((PaymentId Payment, int Number, long Amount) refund) => $"r_{refund.Payment.Reference}_{refund.Number}";

        Task<long> Refunds(PaymentId of) => house.Ask<long>($"select count(*) from refunds where order_id = {of.Order.Value}");

        /// <summary>A statement: new rows, rows that came before, as they were or otherwise, and rows that stand there twice.</summary>
        async Task Settle()
        {
            var rows = new List<SettlementLine>();
            for (var i = chance.Next(2, 7); i > 0; i--) rows.Add(Row());
            if (sent.Count > 0 && chance.Next(2) == 0) rows.Add(Any(sent));
            if (sent.Count > 0 && chance.Next(2) == 0 && Any(sent) is var before) rows.Add(before with { Net = before.Net + Inr(chance.Next(1, 50)) });
            rows = [.. rows.DistinctBy(r => r.RowKey)];
            // Twice or more often, in this file or once more in this one; perhaps of another day, as often as before or not.
            if (sent.Count > 0 && chance.Next(3) == 0 && Any(sent) is var pair && rows.TrueForAll(r => r.RowKey != pair.RowKey))
                rows.AddRange(Enumerable.Repeat(chance.Next(2) == 0 ? pair : pair with { SettledOn = new DateOnly(2026, 1, chance.Next(1, 4)) }, 2));
            for (var more = chance.Next(4) - 1; more > 0; more--) rows.Add(Any(rows));
            if (furthered.Count > 0 && chance.Next(3) == 0) rows = [.. rows.Where(r => !furthered[^1].Exists(f => f.RowKey == r.RowKey)), .. furthered[^1]];
            if (rows.Count > rows.DistinctBy(r => r.RowKey).Count()) furthered.Add([.. rows.GroupBy(r => r.RowKey).Where(g => g.Count() > 1).SelectMany(g => g)]);
            foreach (var row in rows.DistinctBy(r => r.RowKey))
            {
                var text = Encoding.UTF8.GetString(Statement(row));
                if (latest.TryGetValue(row.RowKey, out var was)) stated -= text == was.Text ? row.Net.MinorUnits : was.Net.MinorUnits;
                stated += row.Net.MinorUnits;
                latest[row.RowKey] = (row.Net, text);
            }
            story.Add(Encoding.UTF8.GetString(Statement(rows)));
            sent.AddRange(rows);
            (await house.Settle(Statement(rows))).Text("state").ShouldBe("done");
        }

        SettlementLine Row()
        {
            var payment = chance.Next(8) == 0 ? new PaymentId(new OrderId(77 + chance.Next(3)), 1) : paid.Count > 0 ? Any(paid) : new PaymentId(new OrderId(77), 1);
            switch (chance.Next(10))
            {
                case 0 or 9 when pending.Count > 0:
                    var claimed = Any(pending);
                    return Of(claimed, SettlementKind.Payment, 49900, +1, Any<string?>([Money(claimed), null]));
                case 1 or 2 or 3:
                    return Of(payment, SettlementKind.Payment, chance.Next(6) == 0 ? 49800 : 49900, +1, Any<string?>([Money(payment), Money(payment), null]));
                case 4 or 5 when refunds.Count > 0:
                    var one = Any(refunds);
                    var row = Of(one.Payment, SettlementKind.Refund, chance.Next(6) == 0 ? 10100 : one.Amount, -1, Any<string?>([Money(one.Payment), null]));
                    return chance.Next(3) switch { 0 => row with { Refund = new RefundId(one.Payment.Order, one.Number) }, 1 => row with { RefundReference = NameOf(one) }, _ => row };
                case 6 when refunds.Count > 0:
                    var back = Any(refunds);
                    return Of(back.Payment, SettlementKind.RefundReturned, back.Amount, +1, Money(back.Payment)) with { RefundReference = Any<string?>([NameOf(back), null]) };
                case 7:
                    return Of(payment, SettlementKind.Refund, 10000, -1, Money(payment)) with { RefundReference = $"console_{chance.Next(1, names + 2)}" };
                case 8:
                    return Of(payment, Any([SettlementKind.Dispute, SettlementKind.Dispute, SettlementKind.DisputeReturned]) is var kind ? kind : default, 10000, kind == SettlementKind.Dispute ? -1 : +1, Money(payment));
                default:
                    return Line(Name("adj"), null, 100, SettlementKind.Adjustment) with { Net = Inr(-100), PayoutReference = "UTR1" };
            }
        }

        SettlementLine Of(PaymentId payment, SettlementKind kind, long amount, int sign, string? money) =>
            Line(Name("row"), payment, amount, kind, money) with { Fee = Inr(20), Tax = Inr(4), Net = Inr((sign * amount) - 24), PayoutReference = "UTR1" };

        static Money Inr(long units) => new(units, Currency.Find("INR"));

        async Task<IReadOnlyList<JsonElement>> Open(bool resolved) =>
            [.. (await house.Get($"/v1/discrepancies?open={(resolved ? "false" : "true")}&limit=100")).Body.GetProperty("discrepancies").EnumerateArray()];

        static bool IsFurther(JsonElement question) => question.GetProperty("kind").GetString() == "duplicate_line";

        async Task Answer()
        {
            if (await Open(false) is not { Count: > 0 } open) return;
            var further = open.Where(IsFurther).ToList();
            if (further.Count > 0 && chance.Next(3) > 0) await Do(Any(further), Any(["accept", "accept", "accept", "close"]));
            else await Do(Any(open), Any(["accept", "accept", "close", "close", "write_off", "refund"]));
        }

        async Task Do(JsonElement question, string action)
        {
            var id = question.GetProperty("id").GetString();
            var twice = await Accepted();
            var answer = await house.Post($"/v1/discrepancies/{id}/resolution", new { action, by = "Asha", reason = "seen" });
            story.Add($"{action} {question.GetProperty("kind").GetString()} {id}: {answer.Status} {(answer.Status == HttpStatusCode.OK ? "" : answer.Problem)}");
            ((int)answer.Status).ShouldBeLessThan(500, string.Join('\n', story));
            stated += await Accepted() - twice;
        }

        async Task TakeBack()
        {
            if (await Open(true) is not { Count: > 0 } closed) return;
            var id = Any(closed).GetProperty("id").GetString();
            using var body = new StringContent("""{"by": "Ravi", "reason": "wrong"}""", Encoding.UTF8, "application/json");
            var twice = await Accepted();
            var answer = await house.Send(HttpMethod.Delete, $"/v1/discrepancies/{id}/resolution", body);
            story.Add($"take back {id}: {answer.Status} {(answer.Status == HttpStatusCode.OK ? "" : answer.Problem)}");
            ((int)answer.Status).ShouldBeLessThan(500, string.Join('\n', story));
            stated += await Accepted() - twice;
        }

        /// <summary>Rows that stand there twice and that a person took for two.</summary>
        Task<long> Accepted() => house.Ask<long>($"""
            select coalesce(sum(l.net), 0)::bigint from settlement_discrepancies d join settlement_lines l on l.file = d.file and l.number = d.number
            where d.class = {(int)SettlementClass.DuplicateLine} and d.resolved_at is not null and d.resolution = 'accept'
            """);

        Task<long> Balance(string account) => house.Ask<long>($"select coalesce(sum(amount), 0)::bigint from ledger where account = '{account}'");

        async Task Agrees()
        {
            var told = string.Join('\n', story);
            (await AuditCommand.Run(house.Database, null, null, 3, null, default)).Differences.ShouldBeEmpty(told);
            await house.Sound();
            (await house.Ask<long>("select coalesce(sum(amount), 0)::bigint from ledger")).ShouldBe(0, told);
            (await Balance("bank")).ShouldBe(stated, told);
            if ((await Open(false)).Count == 0) (await Balance("suspense")).ShouldBe(0, told);
        }
    }
}
