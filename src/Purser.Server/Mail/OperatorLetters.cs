using System.Collections.Immutable;
using Purser.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Mail;

/// <summary>What operators are written, in English as everything that they read.</summary>
sealed class OperatorLetters(PublicAddress address, MailOptions options)
{
    readonly ReaderFormat format = new(MailWords.English, TimeZoneInfo.FindSystemTimeZoneById(options.TimeZone));

    /// <returns>Null when it was answered meanwhile.</returns>
    public LetterContent? Discrepancy(Order order, ToldEvent told)
    {
        var open = order.Questions.Any(q => q.Payment == told.Payment && EventNames.Snake(q.Kind.ToString()) == told.Discrepancy && q.MoneyReference == told.MoneyReference);
        if (!open) return null;
        var payment = new PaymentId(order.Id, told.Payment!.Value).ToString();
        return new LetterContent("en", LetterTone.Care, $"Something does not agree: {told.Discrepancy!.Replace('_', ' ')}")
        {
            Words = ["A discrepancy was opened. It stays open, with its age, until it is answered."],
            Facts =
            [
                ("Discrepancy", told.Discrepancy), (MailWords.English.OrderNumber, order.Id.ToString()), (MailWords.English.PaymentNumber, payment),
                .. order.Reference is { } reference ? (IEnumerable<(string, string)>)[("Your number", reference)] : [],
                .. told.Amount is { } amount ? (IEnumerable<(string, string)>)[("Amount", format.Amount(amount))] : [],
                .. told.MoneyReference is { } money ? (IEnumerable<(string, string)>)[("Gateway's name", money)] : [],
                .. told.Reason is { } reason ? (IEnumerable<(string, string)>)[("Why", reason)] : [],
                ("Since", format.Time(told.At)),
            ],
            Closing = [$"The whole story: GET {address.Url}/v1/orders/{order.Id}/explanation", $"All that is open: GET {address.Url}/v1/discrepancies", Why],
        };
    }

    public LetterContent Notice(OperatorNotice notice)
    {
        var paused = notice.Kind == NoticeKind.EndpointPaused;
        return new LetterContent("en", LetterTone.Care, paused ? "A webhook endpoint is paused" : "Webhooks are given up")
        {
            Words =
            [
                paused
                    ? "Nothing more is sent there. It misses nothing: its events wait, and are sent when it is active again."
                    : "The receiver did not take them in more than a day of trying. They are kept, and can be sent again.",
            ],
            Facts =
            [
                ("Endpoint", notice.Endpoint), ("Address", notice.Url), ("Failing since", format.Time(notice.Since)),
                .. notice.PausedBecause is { } because && paused ? (IEnumerable<(string, string)>)[("Why", because)] : [],
                ("Given up so far", $"{notice.Dead}"),
            ],
            Closing =
            [
                paused
                    ? $$"""When the receiver is well again: PATCH {{address.Url}}/v1/webhook_endpoints/{{notice.Endpoint}} with {"status": "active"}"""
                    : $"Which: GET {address.Url}/v1/deliveries?status=dead&webhook_endpoint={notice.Endpoint}",
                $"To send again what was given up: POST {address.Url}/v1/webhook_endpoints/{notice.Endpoint}/redelivery",
                Why,
            ],
        };
    }

    const string Why = "This mail was sent by Purser, because your address is in Mail:Operators.";
}
