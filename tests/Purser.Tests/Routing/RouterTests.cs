using System.Collections.Immutable;
using Purser.Payments;
using Purser.Routing;

namespace Purser.Tests.Routing;

public sealed class RouterTests
{
    static readonly Currency Inr = Currency.Find("INR");
    static readonly Currency Usd = Currency.Find("USD");

    static RouteAccount Account(string name, params string[] currencies) =>
        new(name, [.. currencies], [new MethodOffer("card"), new MethodOffer("upi", "INR"), new MethodOffer("sofa") { Countries = ["DE"] }]);

    static readonly RouteAccount Local = Account("local", "INR");
    static readonly RouteAccount World = Account("world", "INR", "USD");
    static readonly RouteAccount Closed = Account("closed", "INR", "USD") with { On = false };

    static RouteChoice Choose(
        RoutingTable table, Money? amount = null, string? method = null, string? country = null, int number = 1, Dictionary<string, AccountHealth>? health = null,
        params string[] tried) =>
        Router.Choose(new RouteQuestion(new PaymentId(new OrderId(Given.Id.Value + number), 1), amount ?? Given.Rupees(499), country, method, [.. tried]), table,
            health ?? []);

    [Fact]
    public void Without_rules_the_first_that_can_take_it_is_chosen()
    {
        var table = new RoutingTable([Closed, Local, World], []);
        Choose(table).ShouldBe(new RouteChoice("local", "local is the first that can take it; passed over: closed: it is switched off"));
        Choose(table, new Money(100, Usd)).Account.ShouldBe("world");
        Choose(table, new Money(100, Usd)).Why.ShouldContain("local: it does not take USD");
        Choose(table, method: "sofa").Account.ShouldBeNull();
        Choose(table, method: "sofa", country: "DE").Account.ShouldBe("local");
        Choose(RoutingTable.Empty).ShouldBe(new RouteChoice(null, "no gateway account is set up"));
    }

    [Fact]
    public void The_first_rule_that_covers_the_payment_and_can_be_kept_decides()
    {
        var table = new RoutingTable([Local, World],
        [
            new RouteRule("dollars") { Currencies = ["USD"], Use = ["local"] },
            new RouteRule("large") { Currencies = ["INR"], AtLeast = 100_000, Use = ["world"] },
            new RouteRule("upi") { Methods = ["upi"], Use = ["nobody", "world", "local"] },
        ]);
        Choose(table, new Money(100, Usd)).Account.ShouldBe("world");
        Choose(table, Given.Rupees(1000)).Why.ShouldBe("the rule 'large' chose world");
        Choose(table, new Money(99_999, Inr)).Account.ShouldBe("local");
        Choose(table, method: "upi").ShouldBe(new RouteChoice("world", "the rule 'upi' chose world"));
    }

    [Fact]
    public void A_gateway_that_fails_is_passed_over_and_one_that_is_down_is_better_than_none()
    {
        var table = new RoutingTable([Local, World], []);
        Choose(table, health: new() { ["local"] = AccountHealth.Poor }).ShouldBe(
            new RouteChoice("world", "world is the first that can take it; passed over: local: its gateway is failing"));
        Choose(table, health: new() { ["local"] = AccountHealth.Down, ["world"] = AccountHealth.Poor }).Account.ShouldBe("world");
        Choose(table, health: new() { ["local"] = AccountHealth.Down, ["world"] = AccountHealth.Down }).Account.ShouldBe("local");
        Choose(table, tried: "local").Account.ShouldBe("world");
        Choose(table, tried: ["local", "world"]).Account.ShouldBeNull();
    }

    [Fact]
    public void The_cheapest_is_the_cheapest_for_this_amount_and_method()
    {
        var table = new RoutingTable(
        [
            World,
            Local with { Fees = [new FeeRate(2.0m), new FeeRate(0m, 0, "upi")] },
            Account("flat", "INR") with { Fees = [new FeeRate(0m, 1_500, Currency: "INR")] },
        ], [new RouteRule("cheapest") { Cheapest = true }]);
        Choose(table, Given.Rupees(500)).ShouldBe(new RouteChoice("local", "by the rule 'cheapest' local is the cheapest (10.00 INR)"));
        Choose(table, Given.Rupees(5_000)).Account.ShouldBe("flat");
        new FeeRate(1.99m, 300).Of(new Money(12_345, Inr)).ShouldBe(new Money(546, Inr));
        new FeeRate(0.5m).Of(new Money(100, Inr)).ShouldBe(new Money(1, Inr));
        (Local with { Fees = [new FeeRate(0m, 0, "upi"), new FeeRate(2m)] }).Cost(Given.Rupees(100), "upi").ShouldBe(Given.Rupees(0));
    }

    [Fact]
    public void Shares_are_kept_over_many_payments_and_each_payment_keeps_its_way()
    {
        var table = new RoutingTable([Local, World], [new RouteRule("split")
        {
            Use = ["local", "world"], Weights = ImmutableDictionary<string, int>.Empty.Add("local", 70).Add("world", 30),
        }]);
        var chosen = Enumerable.Range(0, 10_000).Select(n => Choose(table, number: n).Account).ToList();
        chosen.Count(a => a == "local").ShouldBeInRange(6_800, 7_200);
        Enumerable.Range(0, 1_000).Select(n => Choose(table, number: n).Account).ShouldBe(chosen.Take(1_000));
        // One that cannot take its share leaves it to the other.
        Choose(table, number: chosen.IndexOf("local"), health: new() { ["local"] = AccountHealth.Down }).Account.ShouldBe("world");
    }

    [Fact]
    public void No_rules_whatever_lead_to_an_account_that_is_off_lacks_the_currency_or_was_tried()
    {
        var chance = new Random(11);
        string[] names = ["a", "b", "c", "d", "nobody"], currencies = ["INR", "USD", "JPY"], methods = ["card", "upi", "wallet"], countries = ["IN", "DE"];
        for (var round = 0; round < 20_000; round++)
        {
            var table = new RoutingTable(
                [.. names[..4].Select(n => new RouteAccount(n, Some(currencies), [.. Some(methods).Select(m => new MethodOffer(m) { Currencies = Some(currencies), Countries = Some(countries) })])
                {
                    On = chance.Next(4) > 0, RefusesAmount = chance.Next(5) == 0 ? _ => "it does not like it" : _ => null, Fees = chance.Next(2) == 0 ? [new FeeRate(chance.Next(5))] : [],
                })],
                [.. Enumerable.Range(0, chance.Next(4)).Select(n => new RouteRule($"{n}")
                {
                    Currencies = Some(currencies), Countries = Some(countries), Methods = Some(methods), Use = [.. Some(names)], Cheapest = chance.Next(3) == 0,
                    AtLeast = chance.Next(3) == 0 ? chance.Next(1000) : null, AtMost = chance.Next(3) == 0 ? chance.Next(1000) : null,
                    Weights = Some(names).ToImmutableDictionary(a => a, _ => chance.Next(3)),
                })]);
            var question = new RouteQuestion(new PaymentId(new OrderId(chance.NextInt64(1, long.MaxValue)), 1), new Money(chance.Next(1, 1000), Currency.Find(Pick(currencies))),
                chance.Next(2) == 0 ? Pick(countries) : null, chance.Next(2) == 0 ? Pick(methods) : null, Some(names));
            var health = names.Where(_ => chance.Next(2) == 0).ToDictionary(a => a, _ => (AccountHealth)chance.Next(3));
            var choice = Router.Choose(question, table, health);
            choice.Why.ShouldNotBeEmpty();

            bool Fits(RouteAccount a) => a.On && (a.Currencies.Count == 0 || a.Currencies.Contains(question.Amount.Currency.Code)) && !question.Tried.Contains(a.Name)
                && a.RefusesAmount(question.Amount) is null && (question.Method is null || a.Offers.Any(o => o.Method == question.Method && o.Takes(question.Amount.Currency, question.Country)));
            if (choice.Account is null) table.Accounts.Any(Fits).ShouldBeFalse();
            else Fits(table.Account(choice.Account)!).ShouldBeTrue($"{choice}");
        }

        T Pick<T>(T[] all) => all[chance.Next(all.Length)];
        ImmutableHashSet<string> Some(string[] all) => [.. all.Where(_ => chance.Next(2) == 0)];
    }
}
