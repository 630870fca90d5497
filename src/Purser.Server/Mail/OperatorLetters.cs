using System.Collections.Immutable;
using Purser.Orders;
using Purser.Server.Platform;
using Purser.Server.Settlement;

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

    /// <returns>Null when nothing of it is so any more.</returns>
    public LetterContent? Notice(OperatorNotice notice) => notice switch
    {
        OperatorNotice.EndpointPaused paused => Paused(paused),
        OperatorNotice.DeliveriesDead dead => Dead(dead),
        OperatorNotice.RowsOpened { Open.Count: > 0 } opened => Opened(opened),
        OperatorNotice.NewsAside { Oldest: { } oldest } aside => Aside(aside, oldest),
        _ => null,
    };

    LetterContent Paused(OperatorNotice.EndpointPaused notice) => new("en", LetterTone.Care, "A webhook endpoint is paused")
    {
        Words = ["Nothing more is sent there. It misses nothing: its events wait, and are sent when it is active again."],
        Facts =
        [
            ("Endpoint", notice.Endpoint), ("Address", Place(notice.Url)), ("Failing since", format.Time(notice.Since)),
            .. notice.Because is { } because ? (IEnumerable<(string, string)>)[("Why", because)] : [],
            ("Given up so far", $"{notice.Dead}"),
        ],
        Closing =
        [
            $$"""When the receiver is well again: PATCH {{address.Url}}/v1/webhook_endpoints/{{notice.Endpoint}} with {"status": "active"}""", SendAgain(notice.Endpoint), Why,
        ],
    };

    LetterContent Dead(OperatorNotice.DeliveriesDead notice) => new("en", LetterTone.Care, "Webhooks are given up")
    {
        Words = ["The receiver did not take them in more than a day of trying. They are kept, and can be sent again. One mail a day tells of it at the most."],
        Facts =
        [
            ("Endpoint", notice.Endpoint), ("Address", Place(notice.Url)),
            .. notice.FailingSince is { } since ? (IEnumerable<(string, string)>)[("Failing since", format.Time(since))] : [],
            ("Given up so far", $"{notice.Dead}"),
        ],
        Closing = [$"Which: GET {address.Url}/v1/deliveries?status=dead&webhook_endpoint={notice.Endpoint}", SendAgain(notice.Endpoint), Why],
    };

    LetterContent Opened(OperatorNotice.RowsOpened notice) => new("en", LetterTone.Care, "Rows of a statement do not agree")
    {
        Words = ["Questions were opened about rows that belong to no order, or that their order does not take. They stay open, with their age, until they are answered."],
        Facts =
        [
            ("File", $"{notice.Name} ({SettlementFile.IdOf(notice.File)})"), ("Gateway account", notice.Account), ("Open questions", $"{notice.Open.Sum(o => o.Count)}"),
            ("Their sum", string.Join(", ", notice.Open.Select(o => format.Amount(o.Sum)))),
            .. notice.HasEnded ? [] : (IEnumerable<(string, string)>)[("The file", "is still being worked on; more questions may follow, of which no mail tells")],
        ],
        Closing =
        [
            $"Which: GET {address.Url}/v1/discrepancies?open=true&gateway={Uri.EscapeDataString(notice.Account)}",
            $"The file: GET {address.Url}/v1/settlements/{SettlementFile.IdOf(notice.File)}", Why,
        ],
    };

    LetterContent Aside(OperatorNotice.NewsAside notice, DateTimeOffset oldest) => new("en", LetterTone.Care, "A gateway's messages are kept aside")
    {
        Words = ["They could not be read, or nothing here is known that they are about, also when they were read again. They are kept, and are read again for days."],
        Facts = [("Gateway account", notice.Account), ("Kept aside", $"{notice.Count}"), ("The oldest came", format.Time(oldest))],
        Closing = [$"Which, and why: GET {address.Url}/v1/gateway_news?verdict=quarantined&gateway={Uri.EscapeDataString(notice.Account)}", Why],
    };

    string SendAgain(string endpoint) => $"To send again what was given up: POST {address.Url}/v1/webhook_endpoints/{endpoint}/redelivery";

    /// <summary>Without what is secret in many addresses: a user's name and password, and the query.</summary>
    static string Place(string url) => new Uri(url).GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    const string Why = "This mail was sent by Purser, because your address is in Mail:Operators.";
}
