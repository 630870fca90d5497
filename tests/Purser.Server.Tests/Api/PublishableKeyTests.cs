using System.Net;
using Purser.Server.Api;
using Purser.Server.Tests.Platform;

namespace Purser.Server.Tests.Api;

/// <summary>A publishable key stands in every visitor's browser: what one shopper does with it must tell another nothing.</summary>
public sealed class PublishableKeyTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    const string Key = "5f0c7a52-6a0e-4f59-8a3a-0d6c5c1f6a1e";
    const string Mine = """{"lines": [{"product": "tea", "quantity": 1}], "customer": {"email": "asha@example.com"}}""";
    const string Yours = """{"lines": [{"product": "tea", "quantity": 2}], "customer": {"email": "eve@example.com"}}""";

    ApiHouse house = null!;

    public async Task InitializeAsync()
    {
        house = await ApiHouse.Open(await postgres.CreateDatabase());
        await house.Post("/v1/products", """{"id": "tea", "name": "Tea", "unit_amount": 500, "currency": "INR"}""");
    }

    public async Task DisposeAsync() => await house.DisposeAsync();

    Task<Answered> Place(string body, params (string, string)[] headers) => house.Post("/v1/orders", body, house.Publishable, headers);

    [Fact]
    public async Task A_key_that_somebody_used_before_tells_nothing_of_the_first_order()
    {
        var first = await Place(Mine, (IdempotencyKey.Header, Key));
        first.Status.ShouldBe(HttpStatusCode.Created);
        var other = await Place(Yours, (IdempotencyKey.Header, Key));
        (other.Status, other.Problem, other.Text("field")).ShouldBe((HttpStatusCode.Conflict, "idempotency_key_reused", IdempotencyKey.Header));
        other.Body.GetProperty("errors").GetArrayLength().ShouldBe(0);
        other.Body.TryGetProperty("resource", out _).ShouldBeFalse();
        foreach (var told in new[] { first.Text("id"), first.Text("token"), "asha", "500" }) other.Body.ToString().ShouldNotContain(told);

        // The shopper who drew the key gets the order again: a lost answer costs nothing.
        var again = await Place(Mine, (IdempotencyKey.Header, Key));
        (again.Status, again.Text("id"), again.Text("token")).ShouldBe((HttpStatusCode.OK, first.Text("id"), first.Text("token")));
    }

    [Fact]
    public async Task The_shop_itself_is_still_told_what_differs()
    {
        var first = await house.Post("/v1/orders", Mine, headers: (IdempotencyKey.Header, "k"));
        var other = await house.Post("/v1/orders", Yours, headers: (IdempotencyKey.Header, "k"));
        other.Text("resource").ShouldBe(first.Text("id"));
        other.Body.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("field").GetString()).ShouldContain("customer.email");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1")]
    [InlineData("cart-1017")]
    [InlineData("123456789012345678901")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_key_that_another_shopper_could_guess_is_refused_with_the_remedy(string? key)
    {
        var before = await house.Rows();
        var refused = await Place(Mine, key is null ? [] : [(IdempotencyKey.Header, key)]);
        (refused.Status, refused.Problem, refused.Text("field")).ShouldBe((HttpStatusCode.BadRequest, "invalid_header", IdempotencyKey.Header));
        refused.Text("remedy").ShouldContain("crypto.randomUUID()");
        (await house.Rows()).ShouldBe(before);
    }

    [Fact]
    public async Task Twenty_two_letters_drawn_by_chance_are_enough() =>
        (await Place(Mine, (IdempotencyKey.Header, "q7Zt0b1LxKf3m9VdPw5sYA"))).Status.ShouldBe(HttpStatusCode.Created);

    [Fact]
    public async Task A_token_of_an_order_needs_no_such_key_for_it_is_the_secret()
    {
        var order = await Place(Mine, (IdempotencyKey.Header, Key));
        var payment = await house.Post($"/v1/orders/{order.Text("id")}/payments", "{}", house.Publishable, (ApiDoor.TokenHeader, order.Text("token")), (IdempotencyKey.Header, "1"));
        payment.Status.ShouldBe(HttpStatusCode.Created);
    }
}
