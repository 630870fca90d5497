using System.Collections.Immutable;
using Purser.Payments;

namespace Purser.Orders;

/// <summary>What an order's decision answers to: a command, a piece of evidence, or the clock.</summary>
public abstract record OrderInput
{
    private protected OrderInput() { }

    /// <summary>The alarm clock rang: do what is due.</summary>
    public sealed record Tick : OrderInput;
}

/// <summary>What somebody asks for. May be refused, with a reason that the caller can act on.</summary>
public abstract record OrderCommand : OrderInput
{
    OrderCommand() { }

    /// <summary>The merchant places an order. The content was checked by the edge; nothing in it changes later.</summary>
    /// <param name="Lives">How long the shopper has; the end itself is set by the database's clock.</param>
    public sealed record Create(
        OrderId Id, string? Reference, Money Amount, string Description, Customer Customer, OrderPolicy Policy, TimeSpan Lives,
        OrderContent Content) : OrderCommand;

    /// <summary>The shopper, or the merchant for them, wants to pay.</summary>
    /// <param name="Account">Through this gateway account; null leaves the choice to routing, also when the first choice can do nothing.</param>
    /// <param name="Method">In this way; null leaves it to the gateway's page.</param>
    public sealed record StartPayment(string? Account, string? Method) : OrderCommand;

    /// <summary>Closes one payment's link at the gateway.</summary>
    public sealed record CancelPayment(int Payment) : OrderCommand;

    /// <summary>The merchant no longer wants the order paid.</summary>
    public sealed record Cancel : OrderCommand;

    /// <summary>The goods went out.</summary>
    public sealed record Fulfil : OrderCommand;

    /// <summary>Somebody is waiting to know how this payment stands: ask the gateway now, or in a moment when it was asked a moment ago.</summary>
    /// <param name="Heard">The gateway itself said, in words that prove nothing, that something happened: ask now in any case.</param>
    /// <param name="Back">It is the shopper, back from the gateway's page, who may have paid there.</param>
    public sealed record Look(int Payment, bool Heard = false, bool Back = false) : OrderCommand;

    /// <summary>The shopper wants the form that leads to the gateway's page. Made: it is theirs to post, and that is written down. Same: not now, for
    /// what became of the last posting is not known; the gateway is asked.</summary>
    public sealed record HandOut(int Payment) : OrderCommand;

    /// <summary>Captured money is to be given back.</summary>
    /// <param name="Payment">Null: the accepted one.</param>
    /// <param name="Amount">Null: all that is left.</param>
    /// <param name="Note">One line for people, told to the gateway where it takes one.</param>
    /// <param name="MoneyReference">Which of the payment's captures; null: the accepted one, or the only one.</param>
    public sealed record Refund(int? Payment, Money? Amount, string? Note, string? MoneyReference = null) : OrderCommand;

    /// <summary>Somebody wants to know how this refund stands: ask the gateway now.</summary>
    public sealed record LookRefund(int Number) : OrderCommand;

    /// <summary>A person answers an open question. What the answer does, it does once.</summary>
    /// <param name="MoneyReference">As in the question.</param>
    /// <param name="Seen">What it would move (<see cref="Order.Stakes"/>) when the person decided; when that is another by now, it does nothing. Null: not compared.</param>
    public sealed record Answer(int Payment, DiscrepancyKind Kind, string? MoneyReference, AnswerAction Action, string By, string Why, ImmutableArray<Money>? Seen = null) : OrderCommand;

    /// <summary>A person takes an answer back that moved no money.</summary>
    public sealed record Reopen(int Payment, DiscrepancyKind Kind, string? MoneyReference, string By, string Why) : OrderCommand;
}

/// <summary>The part of an order that no decision reads, stored with it.</summary>
/// <param name="Fingerprint">SHA-256 of all that the merchant stated; the same again is the same order.</param>
/// <param name="ReturnUrl">Where our pages send the shopper in the end.</param>
/// <param name="Locale">The language that mails to the shopper are written in; null: the installation's.</param>
/// <param name="Billing">What only the invoice says of the shopper.</param>
public sealed record OrderContent(
    ImmutableArray<OrderLine> Lines, ImmutableSortedDictionary<string, string> Metadata, string? UserId, string? ReturnUrl,
    ImmutableArray<byte> Fingerprint, string? Locale = null, Billing? Billing = null);

/// <summary>What a person wants done about a question.</summary>
public enum AnswerAction
{
    /// <summary>It is as it should be, or was settled elsewhere: ask no more.</summary>
    Close,
    /// <summary>The money pays the order (only late money of the right amount).</summary>
    Accept,
    /// <summary>The money goes back.</summary>
    Refund,
}
