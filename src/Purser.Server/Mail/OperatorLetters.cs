using System.Collections.Immutable;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Deliveries;
using Purser.Server.Platform;
using Purser.Server.Reconciliation;
using Purser.Server.Settlement;

namespace Purser.Server.Mail;

/// <summary>What operators are written, in English as everything that they read.</summary>
sealed class OperatorLetters(PublicAddress address, MailOptions options)
{
    readonly ReaderFormat format = new(MailWords.English, TimeZoneInfo.FindSystemTimeZoneById(options.TimeZone));

    /// <returns>Null when it was answered meanwhile.</returns>
    public LetterContent? Discrepancy(Order order, int sequence, ToldEvent told)
    {
        var open = order.Questions.Any(q => q.Payment == told.Payment && EventNames.Snake(q.Kind.ToString()) == told.Discrepancy && q.MoneyReference == told.MoneyReference);
        if (!open) return null;
        var payment = new PaymentId(order.Id, told.Payment!.Value).ToString();
        var id = new DiscrepancyId(order.Id, sequence, 0);
        Money? asked = told.Discrepancy is "amount_mismatch" or "link_mismatch" ? order.Payment(told.Payment.Value)!.Amount : null;
        return new LetterContent("en", LetterTone.Care, $"Something does not agree: {told.Discrepancy!.Replace('_', ' ')}")
        {
            Words = ["A discrepancy was opened. It stays open, with its age, until it is answered."],
            Facts =
            [
                ("Discrepancy", $"{id} ({told.Discrepancy})"), ("Order", order.Id.ToString()), ("Payment", payment),
                .. order.Reference is { } reference ? (IEnumerable<(string, string)>)[("Your reference", reference)] : [],
                .. told.Amount is { } amount ? (IEnumerable<(string, string)>)[(asked is null ? "Amount" : "Amount that came", format.Amount(amount))] : [],
                .. asked is { } wanted ? (IEnumerable<(string, string)>)[("Amount that was asked for", format.Amount(wanted))] : [],
                .. told.MoneyReference is { } money ? (IEnumerable<(string, string)>)[("Gateway's name", money)] : [],
                .. told.Reason is { } reason ? (IEnumerable<(string, string)>)[("Why", reason)] : [],
                ("Since", format.Time(told.At)),
            ],
            Closing = [$"What is asked, and what it can be answered: GET {address.Url}/v1/discrepancies/{id}", $"The whole story: GET {address.Url}/v1/orders/{order.Id}/explanation", $"All that is open: GET {address.Url}/v1/discrepancies", Why],
        };
    }

    /// <returns>Null when the dispute stands otherwise by now, of which another mail tells where it is bad news.</returns>
    public LetterContent? Dispute(Order order, ToldEvent told)
    {
        var payment = order.Payment(told.Payment!.Value)!;
        var dispute = payment.Disputes.FirstOrDefault(d => d.IsCalled(told.MoneyReference ?? Purser.Payments.Dispute.Nameless));
        var lost = told.Type == EventType.DisputeClosed;
        if (dispute?.State != (lost ? DisputeState.Lost : DisputeState.Open)) return null;
        return new LetterContent("en", LetterTone.Care, lost ? "A dispute was lost" : "A payment is disputed")
        {
            Words = lost
                ? ["The shopper's bank keeps the money. Nothing is left to answer; whether the goods can be had back is between you and the shopper."]
                : [
                    "The shopper's bank wants the money back, or took it. Answer in the gateway's own console: how long there is, it says there, and whoever does not answer in time loses.",
                    order.FulfilledAt is null ? "The goods have not gone out, as far as Purser was told: keep them until the dispute is over." : "The goods have gone out: the proof of that is what the gateway asks for.",
                ],
            Facts =
            [
                ("Amount", format.Amount(dispute.Taken)), ("Gateway account", payment.Account), .. dispute.IsNamed ? (IEnumerable<(string, string)>)[("Gateway's name", dispute.GatewayName ?? dispute.Reference)] : [],
                ("Order", order.Id.ToString()), ("Payment", new PaymentId(order.Id, payment.Number).ToString()),
                .. order.Reference is { } reference ? (IEnumerable<(string, string)>)[("Your reference", reference)] : [], (lost ? "Lost" : "Since", format.Time(told.At)),
            ],
            Closing = [$"The whole story: GET {address.Url}/v1/orders/{order.Id}/explanation", Why],
        };
    }

    /// <returns>Null when nothing of it is so any more.</returns>
    public LetterContent? Notice(OperatorNotice notice) => notice switch
    {
        OperatorNotice.EndpointPaused { IsPaused: true } paused => Paused(paused),
        OperatorNotice.DeliveriesDead { Dead.Count: > 0 } dead => Dead(dead),
        OperatorNotice.RowsOpened { Open.Count: > 0 } opened => Opened(opened),
        OperatorNotice.Gathered { Count: > 0 } gathered => Gathered(gathered),
        OperatorNotice.NewsAside { Oldest: { } oldest } aside => Aside(aside, oldest),
        OperatorNotice.FilesRefused { Count: > 0 } refused => Refused(refused),
        OperatorNotice.FileNotKept dropped => NotKept(dropped),
        _ => null,
    };

    LetterContent Refused(OperatorNotice.FilesRefused notice) => new("en", LetterTone.Care, "Settlement files are refused")
    {
        Words = ["They could not be read whole, so nothing of them is applied: what they tell of fees, refunds and lost payments is missing. One mail a day tells of it at the most."],
        Facts =
        [
            ("Gateway account", notice.Account), ("Refused, and not replaced", $"{notice.Count}"),
            .. notice.Newest.Select((file, at) => (at == 0 ? "The newest" : "Before it", file.Shown)),
        ],
        Closing =
        [
            $"Which: GET {address.Url}/v1/settlements?state=refused&gateway={Uri.EscapeDataString(notice.Account)}",
            "Mend the cause, and send the file again or one that covers its days; a day that is fetched is asked for again by itself.",
            $"If nothing more is needed: POST {address.Url}/v1/settlements/{SettlementFile.IdOf(notice.Newest[0].Id)}/dismissal with by and reason, and so for each.", Why,
        ],
    };

    LetterContent NotKept(OperatorNotice.FileNotKept notice) => new("en", LetterTone.Care, "A dropped settlement file could not be kept")
    {
        Words = ["Nothing of it is applied. It was moved to the folder 'refused' beside the others."],
        Facts = [("Gateway account", notice.Account), ("File", notice.What)],
        Closing = ["Drop it once more as the gateway gives it, and remove it from 'refused'.", Why],
    };

    LetterContent Paused(OperatorNotice.EndpointPaused notice) => new("en", LetterTone.Care, "A webhook endpoint is paused")
    {
        Words = ["Nothing more is sent there. It misses nothing: its events wait, and are sent when it is active again."],
        Facts =
        [
            ("Endpoint", notice.Endpoint), ("Address", Place(notice.Url)), ("Failing since", format.Time(notice.Since)),
            .. notice.Because is { } because ? (IEnumerable<(string, string)>)[("Why", because)] : [],
            ("Given up so far", $"{notice.Dead.Count}"),
        ],
        Closing =
        [
            $$"""When the receiver is well again: PATCH {{address.Url}}/v1/webhook_endpoints/{{notice.Endpoint}} with {"status": "active"}""", .. SendAgain(notice.Endpoint, notice.Dead), Why,
        ],
    };

    LetterContent Dead(OperatorNotice.DeliveriesDead notice)
    {
        var (headline, words) = notice.Kind switch
        {
            ReceiverKind.Shoppers => ("Mails to shoppers are given up", "No mail server took them in more than a day of trying, or said that there is no such mailbox. Whether the shopper " +
                "can be reached another way, the order knows."),
            ReceiverKind.Operators => ("Mails to operators are given up", "No mail server took them in more than a day of trying, or said that there is no such mailbox. What they told is below."),
            ReceiverKind.Invoices => ("Invoices are given up", "Invoices and credit notes could not be written in more than a day of trying, or would be wrong by what their orders say of the buyers. The attempts of each say why, and so does the server's log."),
            _ => ("Webhooks are given up", "The receiver did not take them in more than a day of trying."),
        };
        return new("en", LetterTone.Care, headline)
        {
            Words = [$"{words} They are kept, and can be sent again. One mail a day tells of it at the most."],
            Facts =
            [
                ("Receiver", notice.Endpoint), .. notice.Kind == ReceiverKind.Endpoint ? (IEnumerable<(string, string)>)[("Address", Place(notice.Url))] : [],
                .. notice.FailingSince is { } since ? (IEnumerable<(string, string)>)[("Failing since", format.Time(since))] : [],
                ("Given up so far", $"{notice.Dead.Count}"), ("The newest", string.Join(", ", notice.Dead.Newest.Select(d => $"{d.Type.Name()} of {d.Order}"))),
            ],
            Closing = [$"Which, and why: GET {address.Url}/v1/deliveries?status=dead&webhook_endpoint={notice.Endpoint}", .. SendAgain(notice.Endpoint, notice.Dead), Why],
        };
    }

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

    LetterContent Gathered(OperatorNotice.Gathered notice) => new("en", LetterTone.Care, "Many things do not agree")
    {
        Words = ["More discrepancies were opened within an hour than have a mail of their own. These have none. They stay open, with their age, until they are answered."],
        Facts =
        [
            ("In the hour from", format.Time(notice.Since)), ("Discrepancies without a mail of their own", $"{notice.Count}"),
            .. notice.Sums.Count == 0 ? [] : (IEnumerable<(string, string)>)[("Their sum", string.Join(", ", notice.Sums.Select(format.Amount)))],
            ("The newest", string.Join(", ", notice.Newest.Select(n => $"{n.Discrepancy.Replace('_', ' ')} of {n.Order}"))),
        ],
        Closing = [$"All that is open: GET {address.Url}/v1/discrepancies?open=true", Why],
    };

    LetterContent Aside(OperatorNotice.NewsAside notice, DateTimeOffset oldest) => new("en", LetterTone.Care, "A gateway's messages are kept aside")
    {
        Words = ["They could not be read, or nothing here is known that they are about, also when they were read again. They are kept, and are read again for days."],
        Facts = [("Gateway account", notice.Account), ("Kept aside", $"{notice.Count}"), ("The oldest came", format.Time(oldest))],
        Closing = [$"Which, and why: GET {address.Url}/v1/gateway_news?verdict=quarantined&gateway={Uri.EscapeDataString(notice.Account)}", Why],
    };

    IEnumerable<string> SendAgain(string endpoint, GivenUp dead) => dead.Since is not { } since ? [] :
        [$$"""To send again all that was given up: POST {{address.Url}}/v1/webhook_endpoints/{{endpoint}}/redelivery with {"since": "{{since.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}}"}"""];

    /// <summary>Without what is secret in many addresses: a user's name and password, and the query.</summary>
    static string Place(string url) => new Uri(url).GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    const string Why = "This mail was sent by Purser, because your address is in Mail:Operators.";
}
