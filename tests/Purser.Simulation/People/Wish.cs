using System.Globalization;
using Purser.Orders;
using Purser.Server.Engine;

namespace Purser.Simulation;

/// <summary>What one merchant wants for one shopper: the order as it should be.</summary>
sealed record Wish(int Index, string? Reference, Money Amount, OrderPolicy Policy, TimeSpan Lives, RequestKey? Key)
{
    const string Word = "Order ";

    /// <summary>Carries the index, so that an order is known for whose it is wherever it turns up.</summary>
    public string Description => Word + Index.ToString(CultureInfo.InvariantCulture);

    public byte[] Fingerprint => [.. BitConverter.GetBytes(Amount.MinorUnits), .. System.Text.Encoding.ASCII.GetBytes(Amount.Currency.Code)];

    public static int IndexOf(string description) => int.Parse(description.AsSpan(Word.Length), CultureInfo.InvariantCulture);

    public static Wish Of(int index, Random chance)
    {
        var named = chance.Next(4) != 0;
        var amount = new Money(100 * (10 + chance.Next(90000)) + chance.Next(100), Currency.Find(chance.Next(8) == 0 ? "USD" : "INR"));
        var policy = new OrderPolicy(
            chance.Pick(LatePolicy.Refund, LatePolicy.Refund, LatePolicy.Accept, LatePolicy.Ask),
            chance.Pick(DuplicatePolicy.Refund, DuplicatePolicy.Refund, DuplicatePolicy.Ask), AllowsSecondLink: chance.Next(10) == 0,
            Failed: chance.Pick(FailedPolicy.Cancel, FailedPolicy.Cancel, FailedPolicy.Ask));
        var lives = TimeSpan.FromMinutes(chance.Pick(4, 10, 16, 18, 20, 30));
        var wish = new Wish(index, named ? $"cart-{index}" : null, amount, policy, lives, null);
        // Whoever gives no reference of their own needs the key to ask twice.
        return named && chance.Next(2) == 0 ? wish : wish with { Key = new RequestKey(1, $"key-{index}", wish.Fingerprint) };
    }
}
