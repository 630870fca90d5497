using FsCheck;
using FsCheck.Fluent;

namespace Purser.Tests;

public sealed class MoneyTests
{
    static readonly Arbitrary<Money> AnyMoney = Gen.Choose(0, Currency.All.Count() - 1)
        .SelectMany(_ => Gen.OneOf(ArbMap.Default.GeneratorFor<long>(), Gen.Elements(long.MinValue, long.MaxValue, 0L, -1L, 1L)),
            (i, units) => new Money(units, Currency.All.ElementAt(i)))
        .ToArbitrary();

    [Theory]
    [InlineData(49900, "INR", "499.00")]
    [InlineData(5, "INR", "0.05")]
    [InlineData(-5, "INR", "-0.05")]
    [InlineData(0, "INR", "0.00")]
    [InlineData(500, "JPY", "500")]
    [InlineData(0, "JPY", "0")]
    [InlineData(1250, "KWD", "1.250")]
    [InlineData(7, "KWD", "0.007")]
    [InlineData(long.MaxValue, "USD", "92233720368547758.07")]
    [InlineData(long.MinValue, "USD", "-92233720368547758.08")]
    [InlineData(long.MinValue, "JPY", "-9223372036854775808")]
    public void Minor_units_are_written_with_their_currency_s_decimals(long minorUnits, string currency, string text)
    {
        var money = new Money(minorUnits, Currency.Find(currency));
        money.ToMajorUnits().ShouldBe(text);
        money.ToString().ShouldBe($"{text} {currency}");
    }

    [Fact]
    public void What_is_written_is_exactly_the_minor_units() => Prop.ForAll(AnyMoney, money =>
    {
        var text = money.ToMajorUnits();
        var point = text.IndexOf('.', StringComparison.Ordinal);
        (point < 0 ? 0 : text.Length - point - 1).ShouldBe(money.Currency.Exponent);
        Int128.Parse(text.Replace(".", "", StringComparison.Ordinal)).ShouldBe(money.MinorUnits);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Sums_are_exact_or_refused() => Prop.ForAll(AnyMoney, ArbMap.Default.ArbFor<long>(), (one, units) =>
    {
        var other = one with { MinorUnits = units };
        var sum = (Int128)one.MinorUnits + units;
        if (sum < long.MinValue || sum > long.MaxValue) Should.Throw<OverflowException>(() => one + other);
        else
        {
            (one + other).ShouldBe(one with { MinorUnits = (long)sum });
            (one + other - other).ShouldBe(one);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_largest_amounts_overflow_loudly()
    {
        var most = new Money(long.MaxValue, Given.Inr);
        var least = new Money(long.MinValue, Given.Inr);
        Should.Throw<OverflowException>(() => most + Given.Rupees(1));
        Should.Throw<OverflowException>(() => least - Given.Rupees(1));
        Should.Throw<OverflowException>(() => -least);
    }

    [Fact]
    public void Currencies_do_not_mix()
    {
        var rupee = Given.Rupees(1);
        var dollar = new Money(100, Currency.Find("USD"));
        Should.Throw<InvalidOperationException>(() => rupee + dollar);
        Should.Throw<InvalidOperationException>(() => rupee - dollar);
        Should.Throw<InvalidOperationException>(() => rupee.CompareTo(dollar));
        rupee.ShouldNotBe(dollar);
        rupee.ShouldNotBe(rupee with { Currency = default });
    }

    [Fact]
    public void Every_currency_is_found_by_its_own_code_and_has_0_2_or_3_decimals()
    {
        Currency.All.Count().ShouldBeGreaterThan(150);
        Currency.All.Select(c => c.Code).ShouldBeUnique();
        foreach (var currency in Currency.All)
        {
            Currency.Find(currency.Code).ShouldBe(currency);
            currency.Code.ShouldMatch("^[A-Z]{3}$");
            currency.Exponent.ShouldBeOneOf(0, 2, 3);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("inr")]
    [InlineData("INR ")]
    [InlineData("XXX")]
    [InlineData("IN")]
    [InlineData("INR\0")]
    [InlineData("ΙΝR")]
    public void What_is_no_currency_is_not_found(string? code)
    {
        Currency.TryFind(code, out _).ShouldBeFalse();
        if (code is not null) Should.Throw<ArgumentException>(() => Currency.Find(code));
    }
}
