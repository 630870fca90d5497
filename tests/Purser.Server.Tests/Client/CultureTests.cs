using System.Globalization;
using System.Net;
using System.Text;

namespace Purser.Client.Tests;

/// <summary>The client runs in the merchant's program, under the merchant's culture.</summary>
public sealed class CultureTests
{
    [Fact]
    public async Task Times_and_amounts_are_written_alike_under_every_culture()
    {
        var (culture, before) = ((CultureInfo)CultureInfo.InvariantCulture.Clone(), CultureInfo.CurrentCulture);
        culture.DateTimeFormat.TimeSeparator = ".";
        culture.NumberFormat.NegativeSign = "−";
        CultureInfo.CurrentCulture = culture;
        try
        {
            var wire = new Listener();
            using var http = new HttpClient(wire);
            var at = new DateTimeOffset(2026, 11, 22, 20, 4, 5, TimeSpan.Zero);
            await new PurserClient(http, new PurserClientOptions { Address = new Uri("http://127.0.0.1:1"), SecretKey = "sk_test" }).Balances(at);
            wire.Asked.ShouldContain("at=2026-11-22T20%3A04%3A05.000000Z");
            new Money(-49_900, "INR").ToString().ShouldBe("INR -499.00");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    sealed class Listener : HttpMessageHandler
    {
        public string Asked { get; private set; } = "";

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked = request.RequestUri!.Query;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"at": "2026-11-22T20:04:05Z", "balances": []}""", Encoding.UTF8, "application/json") });
        }
    }
}
