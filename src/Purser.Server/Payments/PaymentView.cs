using System.ComponentModel;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>A payment as the API shows it.</summary>
public sealed record PaymentView(
    string Id, string Order,
    [property: Description("1, 2, 3 within its order.")] int Number,
    [property: Description("The gateway account's name.")] string Gateway,
    [property: Description("starting, pending, processing, unresolved, held, succeeded, failed, cancelled or expired.")] string Status,
    [property: Description("How it stands, in a sentence for people.")] string Explanation,
    long Amount, string Currency, string? Method,
    [property: Description("Where the shopper pays; null while there is none or when it is over.")] LinkView? Link,
    [property: Description("Our page that hands the shopper over to the gateway and shows what came of it.")] string PageUrl,
    DateTime StartedAt, DateTime LinkExpiresAt,
    [property: Description("Our reference at the gateway.")] string Reference,
    [property: Description("The gateway's name for the link. Shown to secret keys only.")] string? GatewayReference,
    [property: Description("The latest decline, in the gateway's words. Shown to secret keys only.")] string? Decline,
    [property: Description("Why it ended, in the gateway's words or ours. Shown to secret keys only.")] string? Reason,
    IReadOnlyList<CaptureView> Captures,
    [property: Description("What the gateway keeps. Shown to secret keys only.")] long? Fee, [property: Description("The tax within it. Shown to secret keys only.")] long? Tax,
    [property: Description("none, open, won or lost.")] string Dispute,
    [property: Description("When Purser next asks the gateway by itself. Shown to secret keys only.")] DateTime? NextLookAt)
{
    /// <param name="token">The shopper's.</param>
    /// <param name="forMerchant">With the fee, and what the gateway said.</param>
    public static PaymentView From(Order order, Payment p, PublicAddress address, string token, bool forMerchant)
    {
        var id = new PaymentId(order.Id, p.Number);
        return new PaymentView(
            id.ToString(), order.Id.ToString(), p.Number, p.Account, EventNames.Snake(p.Status.ToString()), Say(order, p), p.Amount.MinorUnits,
            p.Amount.Currency.Code, p.Method, p is { Status: PaymentStatus.Pending, CancelAsked: false } && order is { HasEnded: false, ClosingAt: null, PayingPayment: null } ? LinkView.From(p.Link, $"{address.Url}/pay/{id}/go?token={token}") : null,
            $"{address.Url}/pay/{id}?token={token}", p.StartedAt.UtcDateTime, p.LinkExpiresAt.UtcDateTime, id.Reference,
            forMerchant ? p.GatewayReference : null, forMerchant ? p.Decline : null, forMerchant ? p.Reason : null,
            [.. p.Captures.Select(c => new CaptureView(forMerchant ? c.MoneyReference : null, c.Amount.MinorUnits, c.Amount.Currency.Code, c.At.UtcDateTime, EventNames.Snake(c.Standing.ToString())))],
            forMerchant ? p.Fee : null, forMerchant ? p.Tax : null, EventNames.Snake(p.Dispute.ToString()), forMerchant ? p.LookAt?.UtcDateTime : null);
    }

    static string Say(Order order, Payment p) => p.Status switch
    {
        _ when p.HasMoneyUnderWay => "It ended, and the gateway says that money is on its way all the same. Starting another payment leads to this one until that is known.",
        PaymentStatus.Starting => "The gateway is being asked for a payment link. Read the payment again in a moment.",
        PaymentStatus.Unresolved => "The gateway was asked for a link and its answer did not come. The gateway is being asked what became of it; nothing is lost, and starting the payment again leads to this same payment.",
        PaymentStatus.Pending when order.HasEnded => p.CancelAsked
            ? "The order is over, and the gateway is asked to close the link."
            : "The order is over, and its link is handed out no more. The gateway does not say that it has ended, so it is asked about money that comes all the same.",
        PaymentStatus.Pending when order.PayingPayment is { } paying => $"Its link is handed out no more while payment {paying.Number} of the order has money, or has it under way.",
        PaymentStatus.Pending => p.Decline is null ? "The shopper can pay at the link." : "The last try was declined; the shopper can try again at the same link.",
        PaymentStatus.Processing => "The gateway says that money is on its way.",
        PaymentStatus.Held => "Money came, but not the order's amount or currency. A person decides.",
        PaymentStatus.Succeeded => "The money was received.",
        PaymentStatus.Failed => "It ended without money.",
        PaymentStatus.Cancelled => "The link was closed on request.",
        PaymentStatus.Expired => "The link's time ran out.",
        _ => throw new ArgumentOutOfRangeException(nameof(p)),
    };
}

/// <summary>Where the shopper is sent. A form is not handed out but by our page: posted again it can be paid again, and only the page asks, under the order's lock, whether it
/// may be.</summary>
public sealed record LinkView(
    [property: Description("redirect: the gateway's page; page: ours, which posts the gateway's form. Send the shopper's browser there, either way.")] string Kind, string Url)
{
    /// <param name="handOver">Our page that hands the shopper over.</param>
    public static LinkView? From(PaymentLink? link, string handOver) => link switch
    {
        PaymentLink.Redirect redirect => new LinkView("redirect", redirect.Url),
        PaymentLink.Form => new LinkView("page", handOver),
        _ => null,
    };
}

/// <summary>Money that the gateway took.</summary>
public sealed record CaptureView(
    [property: Description("The gateway's own name for this money. Shown to secret keys only.")] string? MoneyReference, long Amount, string Currency, DateTime At,
    [property: Description("accepted, duplicate, late or mismatched.")] string Standing);
