using System.Collections.Immutable;
using System.Net;
using System.Text;
using Purser.Gateways;
using Purser.Server.Laboratory;
using Purser.Server.Tests.Checkout;

namespace Purser.Server.Tests.Laboratory;

/// <summary>A pasted message, and where its signature differs; whatever is pasted, no secret comes back.</summary>
public sealed class SignatureLaboratoryTests(PageHouse house) : IClassFixture<PageHouse>
{
    const string Secret = "the-webhook-secret", Body = """{"event":"payment_link.paid"}""";
    static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    static readonly ImmutableArray<IGateway> All = [.. new GatewayCatalog(typeof(IGateway).Assembly).Gateways];

    public static TheoryData<string> Names => [.. SignatureLaboratory.Gateways(All).Keys];

    static string Signature => HexSignature.HmacSha256(Secret, Encoding.UTF8.GetBytes(Body));

    [Fact]
    public void A_right_message_differs_nowhere()
    {
        var finding = Compute(Signature);
        finding.Trace.Right.ShouldBeTrue();
        finding.DiffersAt.ShouldBeNull();
        finding.Difference.ShouldBeNull();
    }

    [Fact]
    public void A_wrong_signature_differs_at_the_step_that_computed_the_expected_one()
    {
        var finding = Compute(Signature[..^1] + (Signature[^1] == '0' ? '1' : '0'));
        finding.Trace.Right.ShouldBeFalse();
        finding.Trace.Steps[finding.DiffersAt!.Value].Value.ShouldBe(Signature);
        finding.Agree.ShouldBe(63);
        finding.Difference.ShouldBe("They differ from character 64 on, in 1 of 64. The secret and the signed text are right, for any other secret or text changes nearly every character: "
            + "the signature itself was mistyped or damaged.");
    }

    [Fact]
    public void Another_secret_is_told_from_a_signature_that_was_damaged_however_the_two_begin()
    {
        // One of sixteen begins with the right character.
        var others = Enumerable.Range(0, 64).Select(i => HexSignature.HmacSha256($"other-{i}", Encoding.UTF8.GetBytes(Body))).ToList();
        others.ShouldContain(o => o[0] == Signature[0]);
        foreach (var other in others) Compute(other).Difference.ShouldNotBeNull().ShouldStartWith("It is another signature altogether: the secret is another one, or the signed text is");
        Compute(Signature[..40]).Difference.ShouldBe("The given one was cut off after 40 of 64 characters. What is left of it is right, so the secret and the signed text are right.");
        Compute(Signature + "ab").Difference.ShouldNotBeNull().ShouldStartWith("The given one goes on after the 64 characters that are right");
        Compute(others[0][..40]).Difference.ShouldNotBeNull().ShouldStartWith("The given one has 40 characters, the expected one 64");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Whatever_a_message_holds_every_recipe_ends_shows_a_differing_step_and_no_secret(string name)
    {
        var gateway = All.Single(g => g.Profile.Name == name);
        var account = new GatewayAccount("laboratory", name, gateway.Profile.BaseUrl, gateway.Profile.Settings.ToImmutableDictionary(s => s.Name, s => s.Example ?? $"value-of-{s.Name}"));
        var secrets = SignatureLaboratory.Secrets((IShowSignatures)gateway, account);
        secrets.ShouldNotBeEmpty();
        foreach (var text in (string[])["", "x", "{}", string.Join('&', secrets.Select(s => $"hash={s}")), $"POST / HTTP/1.1\nAuthorization: {secrets[0]}\n\n{secrets[0]}"])
        {
            var found = SignatureLaboratory.Compute((IShowSignatures)gateway, null, PastedMessage.Read(Encoding.UTF8.GetBytes(text), Noon), account);
            found.Count.ShouldBe(((IShowSignatures)gateway).Signatures.Length);
            foreach (var finding in found)
            {
                finding.Trace.Right.ShouldBeFalse();
                finding.DiffersAt.ShouldNotBeNull();
                var shown = string.Join('\n', finding.Trace.Steps.Select(s => $"{s.Title} {s.Value} {s.Remark}").Append(finding.Trace.Given).Append(finding.Difference));
                foreach (var secret in secrets) shown.ShouldNotContain(secret, Case.Sensitive);
            }
        }
    }

    [Theory]
    [InlineData("webhook_secret=the-webhook-secret", HttpStatusCode.OK)]
    [InlineData("webhook_secret=the-webhook-secret\nno such setting", HttpStatusCode.BadRequest)]
    [InlineData("webhook_secret=the-webhook-secret\nsecret_of_mine=the-webhook-secret", HttpStatusCode.BadRequest)]
    public async Task The_page_shows_no_secret_again_not_in_its_fields_and_not_in_a_complaint(string settings, HttpStatusCode status)
    {
        var answer = await Post(settings, $"POST /x HTTP/1.1\nX-Razorpay-Signature: {Signature}\n\n{Body}\n{Secret}");
        answer.StatusCode.ShouldBe(status);
        var page = await answer.Content.ReadAsStringAsync();
        page.ShouldNotContain(Secret);
        page.ShouldContain("webhook_secret=");
    }

    [Fact]
    public async Task A_wrong_secret_is_pasted_into_the_wrong_place_and_still_not_shown_again()
    {
        var page = await (await Post("the-webhook-secret", "x")).Content.ReadAsStringAsync();
        page.ShouldNotContain(Secret);
    }

    static Finding Compute(string signature)
    {
        var gateway = All.Single(g => g.Profile.Name == "razorpay");
        var account = new GatewayAccount("laboratory", "razorpay", gateway.Profile.BaseUrl, ImmutableDictionary<string, string>.Empty.Add("webhook_secret", Secret));
        var message = PastedMessage.Read(Encoding.UTF8.GetBytes($"POST /x HTTP/1.1\nX-Razorpay-Signature: {signature}\n\n{Body}"), Noon);
        return SignatureLaboratory.Compute((IShowSignatures)gateway, "webhook", message, account).Single();
    }

    Task<HttpResponseMessage> Post(string settings, string message)
    {
        var form = new MultipartFormDataContent { { new StringContent("razorpay"), "gateway" }, { new StringContent(settings), "settings" }, { new StringContent(message), "message" } };
        return house.Http.PostAsync(new Uri("/laboratory", UriKind.Relative), form);
    }
}
