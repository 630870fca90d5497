using Purser.Server.Checkout;

namespace Purser.Server.Tests.Checkout;

public sealed class MoneyTextTests
{
    [Theory]
    [InlineData(0, "INR", "₹0.00 INR")]
    [InlineData(49_900, "INR", "₹499.00 INR")]
    [InlineData(100_000, "INR", "₹1,000.00 INR")]
    [InlineData(12_345_678_900, "INR", "₹12,34,56,789.00 INR")]
    [InlineData(12_345_678_900, "USD", "$123,456,789.00 USD")]
    [InlineData(1_234_567, "JPY", "¥1,234,567 JPY")]
    [InlineData(1_250, "KWD", "1.250 KWD")]
    [InlineData(-5, "EUR", "−€0.05 EUR")]
    [InlineData(long.MaxValue, "USD", "$92,233,720,368,547,758.07 USD")]
    public void Amounts_read_as_people_write_them(long minorUnits, string currency, string text) =>
        MoneyText.Of(new Money(minorUnits, Currency.Find(currency))).ShouldBe(text);
}
