using System.Text;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Tests.Orders;

/// <summary>Every status with every input, decided and printed. The tables are checked in: a change of behaviour is a visible line in a diff.</summary>
public sealed class StateTables
{
    static readonly (string Name, Func<Scenario> Story)[] Payments =
    [
        ("starting", () => Given.Order().Pays("forgetful")),
        ("pending", () => Given.Order().HasLink("forgetful")),
        ("processing", () => Given.Order().HasLink("forgetful").Hears(Tell.Processing())),
        ("unresolved", () => Given.Order().Pays("forgetful").Hears(Tell.Lost())),
        ("held", () => Given.Order().HasLink("forgetful").Hears(Tell.Succeeded(amount: Given.Rupees(100)))),
        ("succeeded", () => Given.Order().HasLink("forgetful").Hears(Tell.Succeeded())),
        ("failed", () => Given.Order().HasLink("forgetful").Hears(Tell.Failed)),
        ("cancelled", () => Given.Order().HasLink("forgetful").Hears(Tell.Closed)),
        ("expired", () => Given.Order().HasLink("forgetful").Hears(Tell.RanOut)),
    ];

    static readonly (string Name, Evidence Evidence)[] Kinds =
    [
        ("link opened", Tell.Opened()),
        ("link opened, for another amount", Tell.Opened(Given.Rupees(1))),
        ("link refused", Tell.Refused()),
        ("not sent", Tell.NotSent()),
        ("answer lost", Tell.Lost()),
        ("mixed up with another payment", Tell.MixedUp),
        ("declined", Tell.Declined),
        ("processing", Tell.Processing()),
        ("processing, an unknown word", Tell.Processing("paid_ish")),
        ("succeeded", Tell.Succeeded()),
        ("succeeded, the same told again", Tell.Succeeded()),
        ("succeeded, other money", Tell.Succeeded("money_2")),
        ("succeeded, another amount", Tell.Succeeded("money_2", Given.Rupees(1))),
        ("failed", Tell.Failed),
        ("failed, by news that name its link", Tell.FailedAt("link_1")),
        ("failed, by news that name another link", Tell.FailedAt("link_2")),
        ("link cancelled", Tell.Closed),
        ("link expired", Tell.RanOut),
        ("absent, told too early", Tell.Absent),
        ("absent, twice in time", Tell.Absent),
        ("reversed", Tell.Reversed()),
        ("dispute opened", Tell.DisputeOpened()),
        ("dispute closed, won", Tell.DisputeClosed(won: true)),
        ("dispute closed, lost", Tell.DisputeClosed(won: false)),
        ("a statement has money_1", new Evidence.Settled("money_1", Row, PaidOut: true)),
        ("a statement has money_1 not", new Evidence.Unsettled("money_1", "not in the file")),
    ];

    static Settled Row => new("row_1", Given.Rupees(499), Given.Rupees(489), Given.Rupees(10));

    static readonly (string Name, Func<Scenario> Story)[] Refunds =
    [
        ("requested", () => Paid().Refunds(100)),
        ("sent", () => Paid().Refunds(100).Hears(new RefundEvidence.Accepted())),
        ("unresolved", () => Paid().Refunds(100).Hears(new RefundEvidence.AnswerLost(1, "time-out"))),
        ("succeeded", () => Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100)))),
        ("failed", () => Paid().Refunds(100).Hears(new RefundEvidence.Failed("account closed"))),
        ("failed, after it had succeeded", () => Paid().Refunds(100).Hears(new RefundEvidence.Succeeded(Given.Rupees(100))).Hears(new RefundEvidence.Failed("account closed"))),
        ("failed, because the gateway refused to begin", () => Paid().Refunds(100).Hears(new RefundEvidence.Rejected("too old"))),
    ];

    static readonly (string Name, RefundEvidence Evidence)[] RefundKinds =
    [
        ("accepted", new RefundEvidence.Accepted()),
        ("succeeded", new RefundEvidence.Succeeded(Given.Rupees(100))),
        ("succeeded, with another amount", new RefundEvidence.Succeeded(Given.Rupees(90))),
        ("failed", new RefundEvidence.Failed("account closed")),
        ("rejected", new RefundEvidence.Rejected("too old")),
        ("not sent", new RefundEvidence.NotSent(1, "refused")),
        ("answer lost", new RefundEvidence.AnswerLost(1, "time-out")),
        ("absent, told too early", new RefundEvidence.Absent()),
        ("absent, twice in time", new RefundEvidence.Absent()),
        ("a statement that covers the day has it not", new RefundEvidence.Unsettled("It was due.")),
        ("a statement has it", new RefundEvidence.Settled(new Settled("row_2", Given.Rupees(100), -Given.Rupees(100)), PaidOut: true)),
        ("a statement has it with another amount", new RefundEvidence.Settled(new Settled("row_2", Given.Rupees(90), -Given.Rupees(90)), PaidOut: true)),
    ];

    static Scenario Paid() => Given.Order().HasLink().Hears(Tell.Succeeded());

    [Fact]
    public void Every_refund_status_answers_every_evidence_as_the_page_says()
    {
        var page = new StringBuilder("""
            # What evidence makes of a refund

            Printed by a test from the code. 100.00 of a paid order of 499.00 are being given back. "Left" is what can still be given back: an amount
            is reserved from the commit that requested it until a no frees it. `-` means that nothing is told: the evidence is kept.


            """.ReplaceLineEndings("\n"));
        foreach (var (status, story) in Refunds)
        {
            page.Append($"## {status}\n\n| evidence | refund | left | events | calls |\n|---|---|---|---|---|\n");
            foreach (var (name, evidence) in RefundKinds)
            {
                var s = name == "absent, twice in time"
                    ? story().Later(TimeSpan.FromMinutes(40)).Hears(evidence).Later(TimeSpan.FromSeconds(11)).Hears(evidence)
                    : story().Later(TimeSpan.FromSeconds(3)).Hears(evidence);
                page.Append($"| {name} | {Snake(s.Order.Refunds[0].Status)} | {s.Order.LeftOf(1, s.First.Captures[0])} | {Events(s)} | {Calls(s)} |\n");
            }
            page.Append('\n');
        }
        Page.Compare("docs/states/refund.md", page.ToString().TrimEnd() + "\n");
    }

    static readonly (string Name, Func<Scenario> Story)[] Standings =
    [
        ("awaiting payment, nothing started", () => Given.Order()),
        ("awaiting payment, link open", () => Given.Order().HasLink()),
        ("awaiting payment, answer lost", () => Given.Order().Pays("stubborn").Hears(Tell.Lost())),
        ("awaiting payment, link cancelled", () => Given.Order().HasLink().Hears(Tell.Closed)),
        ("awaiting payment, closing", () => Given.Order().HasLink().At(TimeSpan.FromMinutes(30)).Tick()),
        ("paid", () => Given.Order().HasLink().Hears(Tell.Succeeded())),
        ("paid, late", () => Given.Order(new OrderPolicy(LatePolicy.Accept)).HasLink().When(new OrderCommand.Cancel()).Hears(Tell.Succeeded())),
        ("paid and fulfilled", () => Given.Order().HasLink().Hears(Tell.Succeeded()).When(new OrderCommand.Fulfil())),
        ("expired, refunds late money", () => Ended(LatePolicy.Refund)),
        ("expired, accepts late money", () => Ended(LatePolicy.Accept)),
        ("expired, asks about late money", () => Ended(LatePolicy.Ask)),
        ("cancelled, link still open", () => Given.Order().HasLink().When(new OrderCommand.Cancel())),
    ];

    static readonly (string Name, Func<Scenario, Scenario> Input)[] Inputs =
    [
        ("create again", s => s.When(new OrderCommand.Create(
            Given.Id, null, Given.Rupees(499), "", new Customer(), new OrderPolicy(), TimeSpan.FromMinutes(30), null!))),
        ("start payment", s => s.Pays("forgetful")),
        ("cancel payment 1", s => s.When(new OrderCommand.CancelPayment(1))),
        ("cancel order", s => s.When(new OrderCommand.Cancel())),
        ("fulfil", s => s.When(new OrderCommand.Fulfil())),
        ("refund all that is left", s => s.Refunds()),
        ("refund a part", s => s.Refunds(100)),
        ("refund more than came", s => s.Refunds(500)),
        ("look at payment 1", s => s.When(new OrderCommand.Look(1))),
        ("hand out payment 1", s => s.When(new OrderCommand.HandOut(1))),
        ("tick, nothing due", s => s.Tick()),
        ("tick at the order's end", s => s.Now < s.Order.ExpiresAt ? s.At(TimeSpan.FromMinutes(30)).Tick() : s.Tick()),
        ("tick after the grace", s => s.Later(TimeSpan.FromMinutes(33)).Tick()),
        ("money_1 succeeds", s => s.Hears(Tell.Succeeded(), 1)),
        ("money_2 succeeds, same payment", s => s.Hears(Tell.Succeeded("money_2"), 1)),
    ];

    [Fact]
    public void Every_payment_status_answers_every_evidence_as_the_page_says()
    {
        var page = new StringBuilder("""
            # What evidence makes of a payment

            Printed by a test from the code. The payment is at a gateway whose links can be cancelled and that does not promise one link for two
            questions; the order awaits payment unless the payment has paid it; its policies refund late and duplicate money. Calls are what is
            asked of the gateway at once. `-` means that nothing is told: the evidence is kept and changes no status.


            """.ReplaceLineEndings("\n"));
        foreach (var (status, story) in Payments)
        {
            page.Append($"## {status}\n\n| evidence | payment | order | events | calls |\n|---|---|---|---|---|\n");
            foreach (var (name, evidence) in Kinds)
            {
                var s = Learns(story(), name, evidence);
                page.Append($"| {name} | {Snake(s.First.Status)} | {Snake(s.Order.Status)} | {Events(s)} | {Calls(s)} |\n");
            }
            page.Append('\n');
        }
        Page.Compare("docs/states/payment.md", page.ToString().TrimEnd() + "\n");
    }

    [Fact]
    public void Every_order_standing_answers_every_input_as_the_page_says()
    {
        var page = new StringBuilder("""
            # What an order answers

            Printed by a test from the code. Commands may be refused, with the reason; facts and the clock are not. Each row begins with the
            order as the heading says, with its link, where it has one, at a gateway that can cancel links.


            """.ReplaceLineEndings("\n"));
        foreach (var (standing, story) in Standings)
        {
            page.Append($"## {standing}\n\n| input | answer | order | payments | events | calls |\n|---|---|---|---|---|---|\n");
            foreach (var (name, input) in Inputs)
            {
                var s = story();
                s = input(s.Later(TimeSpan.FromSeconds(3)));
                var payments = string.Join(", ", s.Order.Payments.Select(p => Snake(p.Status)));
                page.Append($"| {name} | {Answer(s)} | {Snake(s.Order.Status)} | {(payments.Length == 0 ? "-" : payments)} | {Events(s)} | {Calls(s)} |\n");
            }
            page.Append('\n');
        }
        Page.Compare("docs/states/order.md", page.ToString().TrimEnd() + "\n");
    }

    [Fact]
    public void The_pages_leave_no_status_no_evidence_and_no_command_out()
    {
        Payments.Select(p => p.Story().First.Status).ShouldBe(Enum.GetValues<PaymentStatus>());
        Payments.ShouldAllBe(p => p.Name == Snake(p.Story().First.Status));
        Standings.Select(s => s.Story().Order.Status).Distinct().ShouldBe(Enum.GetValues<OrderStatus>(), ignoreOrder: true);
        Kinds.Select(k => k.Evidence.GetType()).Distinct().ShouldBe(typeof(Evidence).GetNestedTypes(), ignoreOrder: true);
        RefundKinds.Select(k => k.Evidence.GetType()).Distinct().ShouldBe(typeof(RefundEvidence).GetNestedTypes(), ignoreOrder: true);
        Refunds.Select(r => r.Story().Order.Refunds[0].Status).Distinct().ShouldBe(Enum.GetValues<RefundStatus>());
        typeof(OrderCommand).GetNestedTypes().Length.ShouldBe(11);
    }

    [Fact]
    public void An_order_that_does_not_exist_refuses_everything_but_its_creation()
    {
        OrderInput[] inputs = [new OrderCommand.Cancel(), new OrderInput.Tick(), Tell.Succeeded(), new OrderCommand.Look(1)];
        foreach (var input in inputs)
            OrderMachine.Decide(null, input, Given.Start, Given.Rules).Reply.ShouldBe(new Reply.Refused(Refusal.OrderUnknown));
    }

    [Fact]
    public void Evidence_about_a_payment_that_was_never_started_changes_nothing()
    {
        foreach (var (_, evidence) in Kinds) Given.Order().HasLink().Hears(evidence, 2).Refused(Refusal.PaymentUnknown).Told().Asked();
        Given.Order().Hears(Tell.Succeeded(), 0).Refused(Refusal.PaymentUnknown);
        Given.Order().Hears(Tell.Succeeded(), -1).Refused(Refusal.PaymentUnknown);
    }

    static Scenario Learns(Scenario story, string name, Evidence evidence) => name switch
    {
        "absent, twice in time" => story.Later(TimeSpan.FromMinutes(40)).Hears(evidence, 1).Later(TimeSpan.FromSeconds(11)).Hears(evidence, 1),
        "succeeded, the same told again" => story.Hears(evidence, 1).Hears(evidence, 1),
        _ => story.Later(TimeSpan.FromSeconds(3)).Hears(evidence, 1),
    };

    static Scenario Ended(LatePolicy policy) =>
        Given.Order(new OrderPolicy(policy)).HasLink().At(TimeSpan.FromMinutes(30)).Tick().Later(TimeSpan.FromSeconds(1)).Hears(Tell.Closed);

    static string Answer(Scenario s) => s.Last.Reply switch
    {
        Reply.Made { Refund: { } refund } => $"made, refund {refund}",
        Reply.Same { Refund: { } refund } => $"same, refund {refund}",
        Reply.Made m => m.Payment is { } payment ? $"made, payment {payment}" : "made",
        Reply.Same same => same.Payment is { } payment ? $"same, payment {payment}" : "same",
        Reply.Refused r => $"refused: {Snake(r.Why)}",
        _ => throw new InvalidOperationException("No word for this reply."),
    };

    static string Events(Scenario s) => s.Last.Events.Length == 0
        ? "-"
        : string.Join(", ", s.Last.Events.Select(e => e.Type.Name() + (e.Discrepancy is { } kind ? $" ({Snake(kind)})" : "")));

    static string Calls(Scenario s) => s.Last.Calls.Length == 0
        ? "-"
        : string.Join(", ", s.Last.Calls.Select(call => $"{EventNames.Snake(call.GetType().Name).Replace('_', ' ')} {call.Payment}"));

    static string Snake<T>(T value) where T : struct, Enum => EventNames.Snake(value.ToString());
}
