using FsCheck;
using FsCheck.Fluent;
using Purser.Orders;

namespace Purser.Tests.Orders;

/// <summary>What gateways could truly tell about one order: each payment has one truth at its gateway, and the evidence follows from it.</summary>
sealed record LegalWorld(OrderPolicy Policy, string Ending, IReadOnlyList<string> Truths, IReadOnlyList<Evidence> Evidence)
{
    static readonly string[] Accounts = ["careful", "forgetful", "stubborn"];
    static readonly TimeSpan Told = TimeSpan.FromMinutes(12);

    public static Arbitrary<LegalWorld> Worlds { get; } = AnyWalk.Policy
        .SelectMany(_ => Gen.Elements("", "", "", "cancelled", "expired"), (policy, ending) => (policy, ending))
        .SelectMany(_ => Gen.Choose(1, 3), (t, payments) => (policy: t.policy with { AllowsSecondLink = payments > 1 || t.policy.AllowsSecondLink }, t.ending, payments))
        .SelectMany(t => Truth(last: true).SelectMany(last => Truth(last: false).ArrayOf(t.payments - 1), (last, others) => others.Append(last).ToArray()),
            (t, truths) => new LegalWorld(t.policy, t.ending, [.. truths.Select(x => x.Name)],
                [.. truths.SelectMany((x, i) => x.Pieces.Select(e => e.Evidence.Learned(i + 1, e.Source, Given.Start + e.At, null)))]))
        .SelectMany(world => Gen.Shuffle(world.Evidence.ToArray()), (world, shuffled) => world with { Evidence = shuffled })
        .ToArbitrary();

    /// <summary>All payments are started, all but the last have their links; then the order may end; then the evidence comes, all at one now.</summary>
    public Scenario Story()
    {
        var story = Given.Order(Policy, minutes: Ending == "expired" ? 5 : 30);
        for (var i = 0; i < Truths.Count; i++)
        {
            story.Pays(Accounts[i]);
            if (i < Truths.Count - 1) story.Hears(Tell.Opened(reference: $"link_{i + 1}"), source: EvidenceSource.Reply);
        }
        if (Ending == "cancelled") story.When(new OrderCommand.Cancel());
        if (Ending == "expired") story.Until(TimeSpan.FromMinutes(8));
        return story.At(Told);
    }

    public override string ToString() => $"{Policy} {Ending}\n  {string.Join("\n  ", Truths)}\n  {string.Join("\n  ", Evidence)}";

    sealed record Piece(Evidence Evidence, EvidenceSource Source, TimeSpan At);

    sealed record TruthOf(string Name, IReadOnlyList<Piece> Pieces);

    static Gen<TruthOf> Truth(bool last)
    {
        var nothing = Gen.Elements(
            new TruthOf("refused", [At(1, Tell.Refused(), EvidenceSource.Reply), At(600, Tell.Absent)]),
            new TruthOf("not sent", [At(1, Tell.NotSent(), EvidenceSource.Reply)]),
            new TruthOf("lost before it arrived", [At(1, Tell.Lost(), EvidenceSource.Reply), At(2, Tell.Absent), At(5, Tell.Absent)]),
            new TruthOf("lost, then absent twice in time", [At(1, Tell.Lost(), EvidenceSource.Reply), At(400, Tell.Absent), At(420, Tell.Absent)]),
            new TruthOf("lost for good, seen absent twice at a slow gateway", [At(1, Tell.Lost(), EvidenceSource.Reply), At(8, Tell.Absent)]));
        // The link was created; the answer to our question told us or was lost.
        var opening = !last ? Gen.Constant<Piece[]>([])
            : Gen.Elements<Piece[]>(
                [At(1, Tell.Opened(), EvidenceSource.Reply)],
                [At(1, Tell.Opened(), EvidenceSource.Reply), At(60, Tell.Opened())],
                [At(1, Tell.Lost(), EvidenceSource.Reply), At(3, Tell.Absent), At(60, Tell.Opened())],
                [At(1, Tell.Opened(Given.Rupees(1)), EvidenceSource.Reply)],
                [At(1, Tell.Opened(), EvidenceSource.Reply), At(30, Tell.Opened(Given.Rupees(1)))],
                [At(1, Tell.Lost(), EvidenceSource.Reply)]);
        var under = Gen.Elements<Piece[]>(
            [], [],
            [At(80, Tell.MixedUp)],
            [At(90, Tell.Declined, EvidenceSource.Webhook)],
            [At(90, Tell.FailedAt("another_link"), EvidenceSource.Webhook)],
            [At(100, Tell.Processing(), EvidenceSource.Webhook)],
            [At(100, Tell.Processing(), EvidenceSource.Webhook), At(120, Tell.Opened())],
            [At(100, Tell.Processing("paid_ish")), At(110, Tell.Declined)]);
        var outcome = Gen.Frequency(
            (3, Gen.Elements<Piece[]>([], [At(200, Tell.Failed, EvidenceSource.Webhook)], [At(200, Tell.Closed)], [At(200, Tell.RanOut)],
                [At(200, Tell.RanOut), At(210, Tell.Closed)], [At(200, Tell.Closed), At(210, Tell.Failed)],
                [At(200, Tell.Closed, EvidenceSource.Reply), At(210, Tell.Processing(), EvidenceSource.Webhook)],
                [At(200, Tell.Closed), At(210, Tell.Processing(), EvidenceSource.Webhook), At(230, Tell.Closed)],
                [At(200, Tell.Closed), At(210, Tell.Declined, EvidenceSource.Webhook)])),
            (4, Gen.Elements<Piece[]>(
                [At(200, Money("a"), EvidenceSource.Webhook)],
                [At(200, Money("a"), EvidenceSource.Webhook), At(220, Money("a"))],
                [At(190, Tell.Failed), At(200, Money("a"), EvidenceSource.Webhook)],
                [At(190, Tell.Closed), At(200, Money("a"))],
                [At(200, Money("a")), At(210, Tell.Processing(), EvidenceSource.Webhook)],
                [At(190, Tell.Closed), At(195, Tell.Processing(), EvidenceSource.Webhook), At(200, Money("a"))],
                [At(200, Money("a")), At(230, Money("b"))])),
            (2, Gen.Elements<Piece[]>(
                [At(200, Money("a")), At(300, Tell.Reversed("a"), EvidenceSource.Webhook)],
                [At(200, Money("a")), At(300, Tell.DisputeOpened(), EvidenceSource.Webhook)],
                [At(200, Money("a")), At(300, Tell.DisputeOpened()), At(400, Tell.DisputeClosed(won: true))],
                [At(200, Money("a")), At(300, Tell.DisputeOpened()), At(400, Tell.DisputeClosed(won: false))],
                [At(200, Money("a")), At(300, Tell.DisputeOpened(Given.Rupees(498))), At(310, Tell.DisputeOpened()), At(400, Tell.DisputeClosed(won: true))],
                [At(200, Money("a")), At(300, Tell.DisputeOpened(Given.Rupees(498))), At(350, Tell.Taken("row_1"), EvidenceSource.Settlement)],
                [At(200, Money("a")), At(300, Tell.DisputeOpened()), At(350, Tell.Taken("row_1", Given.Rupees(400)), EvidenceSource.Settlement), At(400, Tell.DisputeClosed(won: true))],
                [At(200, Money("a")), At(300, Tell.DisputeOpened()), At(350, Tell.Taken("row_1"), EvidenceSource.Settlement), At(400, Tell.DisputeClosed(won: false)),
                    At(500, Tell.BroughtBack("row_2", Given.Rupees(300)), EvidenceSource.Settlement)],
                [At(200, Money("a")), At(300, Tell.DisputeOpened(Given.Rupees(100))), At(310, Tell.DisputeClosed(won: true, Given.Rupees(100))),
                    At(350, Tell.DisputeOpened(Given.Rupees(200), "dispute_2")), At(360, Tell.Taken("row_2", Given.Rupees(200), "dispute_2"), EvidenceSource.Settlement)])),
            (2, Gen.Elements<Piece[]>(
                [At(200, Money("a", 100))],
                [At(200, Money("a", 100)), At(210, Money("a", 300))],
                [At(200, Money("a", 100)), At(210, Money("a"))],
                [At(200, Money("a", 100)), At(210, Money("b"))],
                [At(200, Money("a", 100)), At(300, Tell.Reversed("a", Given.Rupees(100))), At(210, Money("a"))],
                [At(200, Tell.Succeeded("a", new Money(49900, Currency.Find("USD")))), At(210, Tell.Failed)])));
        var created = opening.SelectMany(_ => under, (o, u) => (o, u)).SelectMany(_ => outcome, (t, end) =>
            new TruthOf("created", [.. t.o, .. t.u, .. end]));
        return last ? Gen.Frequency((1, nothing), (4, created)) : created;
    }

    static Evidence Money(string money, long rupees = 499) => Tell.Succeeded(money, Given.Rupees(rupees));

    static Piece At(int seconds, Evidence evidence, EvidenceSource source = EvidenceSource.Inquiry) => new(evidence, source, TimeSpan.FromSeconds(seconds));
}
