using System.Collections.Immutable;
using System.ComponentModel;
using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;
using Purser.Server.Checkout;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>An order as the API shows it.</summary>
public sealed record OrderView(
    string Id,
    [property: Description("Your own name for the order.")] string? Reference,
    [property: Description("awaiting_payment, paid, partially_refunded, refunded, expired or cancelled.")] string Status,
    [property: Description("Paid, but the money came after the order's end.")] bool Late,
    [property: Description("In minor units of the currency: 49900 is 499.00 INR, 500 is 500 JPY, 1250 is 1.250 KWD.")] long Amount,
    string Currency,
    AmountsView Amounts,
    string Description,
    IReadOnlyList<LineView> Lines,
    CustomerView Customer,
    [property: Description(OrderView.Ours)] string? UserId,
    [property: Description(OrderView.Ours)] IReadOnlyDictionary<string, string>? Metadata,
    [property: Description("Where our pages send the shopper in the end.")] string? ReturnUrl,
    [property: Description("The language of mails to the shopper; null: the installation's.")] string? Locale,
    PolicyView Policy,
    [property: Description("The accepted payment's id.")] string? PaidBy,
    DateTime CreatedAt,
    DateTime ExpiresAt,
    [property: Description("When it was paid, expired or cancelled.")] DateTime? EndedAt,
    [property: Description("When you said that the goods went out.")] DateTime? FulfilledAt,
    [property: Description("waiting (paid, nothing went out), held (paid, and the money is in doubt: keep the goods), done, unpaid (the goods went out, and the gateway denies the money or took it back), or null: nothing is to go out.")] string? Fulfilment,
    [property: Description("When Purser next looks after this order by itself; null when nothing is left to wait for. Shown to secret keys only.")] DateTime? NextLookAt,
    [property: Description("The number of the latest event.")] int Sequence,
    [property: Description("Send the shopper here. Whoever has this address sees the order's pages.")] string CheckoutUrl,
    [property: Description("The shopper's token: opens this order's pages, live status and payments, and nothing else.")] string Token,
    IReadOnlyList<PaymentView> Payments,
    IReadOnlyList<RefundView> Refunds,
    [property: Description("What does not agree and is being asked about. Shown to secret keys only, to others none.")] IReadOnlyList<QuestionView> Questions,
    [property: Description("What is safe to tell the shopper, and whether they may pay. Our status page says the same.")] ShopperView Shopper,
    OrderLinks Links)
{
    internal const string Ours = "Shown to secret keys only.";

    /// <param name="token">The shopper's.</param>
    /// <param name="forMerchant">With what is nobody else's business: who the shopper is, what gateways and people said, what does not agree.</param>
    /// <param name="hasInvoice">It is written, or owed.</param>
    public static OrderView From(Order order, OrderContent content, PublicAddress address, string token, Situation situation, bool forMerchant, bool hasInvoice)
    {
        var accepted = order.PaidBy is { } number
            ? order.Payment(number)!.Captures.Where(c => c.Standing == Standing.Accepted).Aggregate(Money.Zero(order.Amount.Currency), (sum, c) => sum + c.Amount)
            : Money.Zero(order.Amount.Currency);
        var id = order.Id.ToString();
        return new OrderView(
            id, order.Reference, StatusOf(order), order.Late, order.Amount.MinorUnits, order.Amount.Currency.Code,
            new AmountsView(order.Captured.MinorUnits, accepted.MinorUnits, Sum(order, RefundStatus.Succeeded),
                Sum(order, RefundStatus.Requested, RefundStatus.Sent, RefundStatus.Unresolved), order.HasEnded ? 0 : order.Amount.MinorUnits),
            order.Description,
            [.. content.Lines.Select(l => new LineView(l.Name, l.Quantity, l.UnitAmount, l.Quantity * l.UnitAmount, l.Product, l.Hsn, l.TaxRate?.ToString()))],
            forMerchant
                ? new CustomerView(order.Customer.Name, order.Customer.Email, order.Customer.Phone, order.Customer.Country, content.Billing?.Address, content.Billing?.State, content.Billing?.TaxId)
                : new CustomerView(order.Customer.Name, null, null, order.Customer.Country, null, null, null),
            forMerchant ? content.UserId : null, forMerchant ? content.Metadata : null, content.ReturnUrl, content.Locale,
            new PolicyView(EventNames.Snake(order.Policy.Late.ToString()), EventNames.Snake(order.Policy.Duplicate.ToString()), order.Policy.AllowsSecondLink ? "allow" : "refuse",
                EventNames.Snake(order.Policy.Failed.ToString())),
            order.PaidBy is { } paid ? new PaymentId(order.Id, paid).ToString() : null,
            order.CreatedAt.UtcDateTime, order.ExpiresAt.UtcDateTime, order.EndedAt?.UtcDateTime, order.FulfilledAt?.UtcDateTime, FulfilmentOf(order), forMerchant ? order.WakeAt?.UtcDateTime : null,
            order.Sequence, $"{address.Url}/checkout/{id}?token={token}", token,
            [.. order.Payments.Select(p => PaymentView.From(order, p, address, token, forMerchant))],
            [.. order.Refunds.Select(r => RefundView.From(order, r, forMerchant))],
            !forMerchant ? [] : [.. order.Questions.Select(q => new QuestionView(new PaymentId(order.Id, q.Payment).ToString(), EventNames.Snake(q.Kind.ToString()), q.MoneyReference, q.Amount?.MinorUnits, q.Amount?.Currency.Code))],
            new ShopperView(situation.Key, situation.Headline, situation.Told, situation.CanBePaid, situation.Step == Step.Elsewhere),
            new OrderLinks($"/v1/orders/{id}", $"/v1/orders/{id}/payments", $"/v1/orders/{id}/events", $"/v1/orders/{id}/explanation", $"/v1/orders/{id}/live",
                order.HasEnded ? null : $"/v1/orders/{id}/cancellation", order.Fulfilment == Purser.Orders.Fulfilment.Waiting ? $"/v1/orders/{id}/fulfilment" : null,
                order.Payments.Any(p => p.Captures.Length > 0) ? $"/v1/orders/{id}/refunds" : null, hasInvoice ? $"/v1/orders/{id}/invoice" : null));
    }

    /// <summary>The status for the world: a paid order whose own money went back is refunded. Money beside it that goes back changes
    /// nothing about the order. <see cref="OrderReadStore"/> filters by the same.</summary>
    public static string StatusOf(Order order)
    {
        if (order.Status == OrderStatus.Paid)
        {
            var back = order.Refunds.Where(r => order.IsOfAcceptedMoney(r) && r.Status == RefundStatus.Succeeded && r.Amount.Currency == order.Amount.Currency).Sum(r => r.Amount.MinorUnits);
            if (back > 0) return back >= order.Amount.MinorUnits ? "refunded" : "partially_refunded";
        }
        return EventNames.Snake(order.Status.ToString());
    }

    static string? FulfilmentOf(Order order) => order.Fulfilment == Purser.Orders.Fulfilment.None ? null : EventNames.Snake(order.Fulfilment.ToString());

    static long Sum(Order order, params ReadOnlySpan<RefundStatus> statuses)
    {
        var sum = 0L;
        foreach (var refund in order.Refunds)
            if (refund.Amount.Currency == order.Amount.Currency && statuses.Contains(refund.Status)) sum = checked(sum + refund.Amount.MinorUnits);
        return sum;
    }
}

/// <summary>Money of one order, in minor units.</summary>
public sealed record AmountsView(
    [property: Description("All that gateways took for this order, also twice or late.")] long Captured,
    [property: Description("Of that, what pays the order.")] long Accepted,
    [property: Description("Given back.")] long Refunded,
    [property: Description("On its way back.")] long Refunding,
    [property: Description("Still owed.")] long Outstanding);

public sealed record LineView(
    string Name, long Quantity, long UnitAmount, long Amount, string? Product, [property: Description("HSN or SAC.")] string? Hsn,
    [property: Description("In percent; null: the seller's usual rate.")] string? TaxRate);

public sealed record CustomerView(
    string? Name, [property: Description(OrderView.Ours)] string? Email, [property: Description(OrderView.Ours)] string? Phone, string? Country,
    [property: Description(OrderView.Ours)] string? Address, [property: Description(OrderView.Ours)] string? State, [property: Description(OrderView.Ours)] string? TaxId);

public sealed record PolicyView(
    [property: Description("refund, accept or ask: what to do with money that comes after the order's end.")] string LatePayment,
    [property: Description("refund or ask: what to do with a second success.")] string DuplicatePayment,
    [property: Description("refuse or allow: whether a second link may be open beside the first.")] string SecondLink,
    [property: Description("cancel or ask: what to do with an order whose money no statement has and its gateway denies, while nothing is fulfilled.")] string FailedPayment);

/// <summary>What a page of the merchant's can tell the shopper as it stands.</summary>
public sealed record ShopperView(
    [property: Description("The case's name, such as pending, processing, held, paid or refunded. There may be more one day: go by the others.")] string Situation,
    [property: Description("How it stands, in one line.")] string Headline,
    [property: Description("What it means for the shopper, a sentence or two each.")] IReadOnlyList<string> Words,
    [property: Description("Paying is safe: offer `checkout_url`. Where false, do not: money may be under way, is held, or nothing is owed.")] bool MayPay,
    [property: Description("The order is over and no money is known to be on its way to it: the same may be bought again. Under `late_payment: accept` money that comes all the same still counts for this one.")] bool MayOrderAgain);

public sealed record QuestionView(string Payment, string Kind, string? MoneyReference, long? Amount, string? Currency);

public sealed record RefundView(
    string Id, string Order, string Payment,
    [property: Description("The gateway account's name.")] string Gateway,
    [property: Description("The gateway's name for the money that goes back. Shown to secret keys only.")] string? MoneyReference,
    long Amount, string Currency,
    [property: Description("merchant (you asked), duplicate, late or mismatched (policy, or a person).")] string Reason,
    [property: Description("requested, sent, unresolved, succeeded or failed. The amount is reserved until it fails.")] string Status,
    [property: Description(OrderView.Ours)] string? Note,
    DateTime RequestedAt,
    [property: Description("When it was known that the money went back, or that it will not.")] DateTime? DoneAt,
    [property: Description("Our reference at the gateway.")] string Reference,
    [property: Description("The gateway's name for the refund. Shown to secret keys only.")] string? GatewayReference,
    [property: Description("What the shopper's bank can find it by.")] string? BankReference,
    [property: Description("Why it failed or is not known, in the gateway's words. Shown to secret keys only.")] string? Why,
    [property: Description("When Purser next asks the gateway by itself. Shown to secret keys only.")] DateTime? NextLookAt)
{
    /// <param name="forMerchant">With what gateways and people said.</param>
    public static RefundView From(Order order, Refund r, bool forMerchant)
    {
        var id = new RefundId(order.Id, r.Number);
        return new RefundView(
            id.ToString(), order.Id.ToString(), new PaymentId(order.Id, r.Payment).ToString(), order.Payment(r.Payment)!.Account, forMerchant ? r.MoneyReference : null,
            r.Amount.MinorUnits, r.Amount.Currency.Code, EventNames.Snake(r.Reason.ToString()), EventNames.Snake(r.Status.ToString()), forMerchant ? r.Note : null,
            r.RequestedAt.UtcDateTime, r.DoneAt?.UtcDateTime, id.Reference, forMerchant ? r.RefundReference : null, r.BankReference,
            forMerchant ? r.Why : null, forMerchant ? r.LookAt?.UtcDateTime : null);
    }
}

/// <summary>Where to go on; null where there is nothing to do.</summary>
public sealed record OrderLinks(
    string Self, string Payments, string Events, string Explanation, string Live, string? Cancellation, string? Fulfilment, string? Refunds, string? Invoice);

public sealed record OrderList(IReadOnlyList<OrderView> Orders, [property: Description("Send it as ?cursor= for the next page; null at the end.")] string? Next);
