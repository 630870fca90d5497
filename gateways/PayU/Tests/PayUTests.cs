using System.Text.Json;
using Purser.Orders;

namespace Purser.Gateways.PayU.Tests;

[Verifies(Part.Adapter, By.Document)]
public sealed class PayUTests
{
    static readonly PaymentId Payment = PaymentId.TryParseReference("0001jd8xk3m4np1", out var id) ? id : throw new InvalidOperationException();
    static readonly DateTimeOffset Started = new(2026, 1, 1, 4, 30, 0, TimeSpan.Zero);

    static readonly Money Asked = new(49900, Currency.Find("INR"));

    static IReadOnlyList<Evidence>? Facts(string status, string? unmapped, string amount = "499.00", TimeSpan after = default, string? txnid = null) => PayUMapping.Facts(
        JsonSerializer.SerializeToElement(new Dictionary<string, object?>
        {
            ["mihpayid"] = 403993715527186439L,
            ["txnid"] = txnid ?? Payment.Reference,
            ["status"] = status,
            ["unmappedstatus"] = unmapped,
            ["amt"] = amount,
            ["mode"] = "UPI",
            ["error_Message"] = "Bank was unable to authenticate.",
            ["addedon"] = "2026-01-01 10:02:11",
            ["net_amount_debit"] = 1,
        }), Payment, Asked, Started, Started + after);

    static string Say(Evidence fact) => fact switch
    {
        Evidence.Succeeded e => $"Succeeded {e.MoneyReference} {e.Amount} {e.Method}",
        Evidence.Declined e => $"Declined {e.Reason}",
        Evidence.LinkOpened e => $"LinkOpened {e.Amount}",
        Evidence.Processing { UnknownWord: { } word } => $"Processing {word}",
        _ => fact.GetType().Name,
    };

    [Theory]
    [InlineData("success", "captured", "Succeeded 403993715527186439 499.00 INR upi")]
    [InlineData("success", "auth", "Processing")]
    [InlineData("success", "teleported", "Processing success teleported")]
    [InlineData("pending", "initiated", "LinkOpened 499.00 INR")]
    [InlineData("pending", "in progress", "Processing")]
    [InlineData("failure", "failed", "Declined Bank was unable to authenticate.", "LinkOpened 499.00 INR")]
    [InlineData("failure", "userCancelled", "Declined user_cancelled", "LinkOpened 499.00 INR")]
    [InlineData("failure", "bounced", "LinkOpened 499.00 INR")]
    [InlineData("failure", "dropped", "Processing")]
    [InlineData("failure", "autoRefund", "Reversed", "LinkOpened 499.00 INR")]
    [InlineData("Not Found", null, "Absent")]
    [InlineData("elsewhere", "x", "Processing elsewhere x")]
    public void Every_state_is_said_in_our_words(string status, string? unmapped, params string[] facts) => Facts(status, unmapped)!.Select(Say).ShouldBe(facts);

    [Fact]
    public void A_try_without_a_word_of_the_bank_is_over_after_five_days_and_the_form_is_not() =>
        Facts("failure", "dropped", after: TimeSpan.FromDays(6))!.Select(Say).ShouldBe(["Declined dropped", "LinkOpened 499.00 INR"]);

    /// <summary>The form may be posted again long after the payment began.</summary>
    [Fact]
    public void The_five_days_are_those_of_the_try() => Say(Facts("failure", "dropped", after: TimeSpan.FromDays(5))![0]).ShouldBe("Processing");

    [Fact]
    public void A_name_for_money_beyond_what_a_double_holds_stays_what_it_is() =>
        Facts("success", "captured")!.OfType<Evidence.Succeeded>().Single().MoneyReference.ShouldBe("403993715527186439");

    [Fact]
    public void Times_are_those_of_India() => Facts("success", "captured")![0].GatewayTime.ShouldBe(new DateTimeOffset(2026, 1, 1, 4, 32, 11, TimeSpan.Zero));

    [Theory]
    [InlineData("499.005", null)]
    [InlineData("", null)]
    [InlineData("4,99", null)]
    [InlineData("499.00", "somebodyelses")]
    public void What_cannot_be_read_exactly_is_no_answer(string amount, string? txnid) => Facts("success", "captured", amount, txnid: txnid).ShouldBeNull();
}
