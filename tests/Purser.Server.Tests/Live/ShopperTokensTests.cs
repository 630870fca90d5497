using Purser.Server.Platform;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Live;

public sealed class ShopperTokensTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    static readonly OrderId Order = new(123456789);
    static readonly DateTimeOffset Created = new(2026, 3, 1, 10, 20, 30, TimeSpan.Zero);
    static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }

    static ShopperTokens At(DateTimeOffset now, byte[]? key = null) => new(() => key ?? Key, new Clock(now), TimeSpan.FromDays(90));

    [Fact]
    public void A_frozen_one_is_always_the_same_is_short_and_outlives_the_longest_order_by_ninety_days()
    {
        var token = At(Created).Frozen(Order);
        token.ShouldBe(At(Created.AddDays(50)).Frozen(Order));
        token.Length.ShouldBe(27);
        At(Order.DrawnAt).Check(Order, token).ShouldBe(TokenCheck.Valid);
        At(Order.DrawnAt.AddDays(180)).Check(Order, token).ShouldBe(TokenCheck.Valid);
        At(Order.DrawnAt.AddDays(180).AddHours(1)).Check(Order, token).ShouldBe(TokenCheck.Expired);
    }

    [Fact]
    public void It_ends_ninety_days_after_the_day_on_which_it_was_handed_out()
    {
        var token = At(Created).Now(Order);
        token.ShouldBe(At(new DateTimeOffset(2026, 3, 1, 23, 59, 59, TimeSpan.Zero)).Now(Order));
        At(Created.AddDays(90)).Check(Order, token).ShouldBe(TokenCheck.Valid);
        At(Created.AddDays(91)).Check(Order, token).ShouldBe(TokenCheck.Expired);
        At(Created.AddDays(91)).Check(Order, At(Created.AddDays(1)).Now(Order)).ShouldBe(TokenCheck.Valid);
    }

    [Fact]
    public void Nobody_elses_token_opens_an_order()
    {
        var token = At(Created).For(Order, Created);
        At(Created).Check(new OrderId(Order.Value + 1), token).ShouldBe(TokenCheck.Foreign);
        At(Created, new byte[32]).Check(Order, token).ShouldBe(TokenCheck.Foreign);
        At(Created).Check(Order, null).ShouldBe(TokenCheck.Missing);
        At(Created).Check(Order, "").ShouldBe(TokenCheck.Missing);
        At(Created).Check(Order, new string('a', 5000)).ShouldBe(TokenCheck.Foreign);
        At(Created).Check(Order, "!!!!!!!!!!!!!!!!!!!!!!!!!!!").ShouldBe(TokenCheck.Foreign);
    }

    [Fact]
    public void No_letter_of_it_can_be_changed()
    {
        const string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var token = At(Created).For(Order, Created);
        for (var i = 0; i < token.Length; i++)
            foreach (var letter in letters.Where(l => l != token[i]))
                At(Created).Check(Order, token[..i] + letter + token[(i + 1)..]).ShouldBe(TokenCheck.Foreign, $"letter {i} became {letter}");
    }

    [Fact]
    public async Task All_nodes_draw_one_key()
    {
        await using var database = Database.Build(await postgres.CreateDatabase());
        var keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => new InstallationStore(database).Key("shopper_tokens", 32))));
        keys.Select(Convert.ToHexString).Distinct().ShouldHaveSingleItem().Length.ShouldBe(64);
        new InstallationStore(database).Key("shopper_tokens", 32).ShouldBe(keys[0]);
    }
}
