using System.Collections.Immutable;
using Purser.Server.Checkout;

namespace Purser.Server.Mail;

/// <summary>Every word that a shopper reads in a mail, in one language. In English they are the pages' own where those fit.</summary>
public sealed record MailWords
{
    public static readonly string[] Locales = ["en", "hi"];

    public required string Locale { get; init; }
    public required ImmutableArray<string> Months { get; init; }
    public required bool GroupsAsInIndia { get; init; }

    // The frame.
    public required Func<string, string> Dear { get; init; }
    public required string DearShopper { get; init; }
    /// <summary>Headline, order number.</summary>
    public required Func<string, string, string> Subject { get; init; }
    public required string OrderNumber { get; init; }
    public required string PaymentNumber { get; init; }
    public required string Total { get; init; }
    public required string TotalDue { get; init; }
    public required string PaidOn { get; init; }
    public required string PaidThrough { get; init; }
    public required string PaymentDeadline { get; init; }
    public required Func<int, string> MoreLines { get; init; }
    public required string ShowStatus { get; init; }
    public required string TryAgain { get; init; }
    public required string StatusHere { get; init; }
    public required string Questions { get; init; }
    public required string Automatic { get; init; }

    // What happened.
    public required string Paid { get; init; }
    public required string PaidWords { get; init; }
    public required string PaidLate { get; init; }
    public required string PaidLateWords { get; init; }
    /// <summary>The headline when all of it is on its way back; when all of it is back.</summary>
    public required string PaidGoesBack { get; init; }
    public required string PaidWentBack { get; init; }
    public required string KeepAsProof { get; init; }
    /// <summary>The number.</summary>
    public required Func<string, string> InvoiceEnclosed { get; init; }
    public required Func<string, string> CreditNoteEnclosed { get; init; }
    /// <summary>Of an order that was cancelled: the invoice's number, the credit note's.</summary>
    public required Func<string, string, string> InvoiceCredited { get; init; }
    public required string Declined { get; init; }
    /// <summary>The gateway's name.</summary>
    public required Func<string, string> DeclinedWords { get; init; }
    public required string Failed { get; init; }
    public required string FailedWords { get; init; }
    public required string Expired { get; init; }
    public required string ExpiredWords { get; init; }
    public required string Denied { get; init; }
    public required string DeniedWords { get; init; }
    public required string DeniedCounts { get; init; }
    public required string WatchingRefund { get; init; }
    public required string WatchingAccept { get; init; }
    public required string Late { get; init; }
    public required string LateWords { get; init; }
    public required string LateAsked { get; init; }
    public required string LateAskedWords { get; init; }
    /// <summary>Of the one payment that was not needed.</summary>
    public required ExtraWords Second { get; init; }
    /// <summary>Of one of several.</summary>
    public required ExtraWords Further { get; init; }
    public required string Held { get; init; }
    /// <summary>What arrived, what the order is.</summary>
    public required Func<string, string, string> HeldWords { get; init; }
    public required string RefundDone { get; init; }
    public required string PartRefundDone { get; init; }
    public required string RestRefundDone { get; init; }
    /// <summary>What all parts come to.</summary>
    public required Func<string, string> AllPaidBack { get; init; }
    public required string StaysPaid { get; init; }
    public required string RefundFailed { get; init; }
    public required string RefundFailedWords { get; init; }

    // How a refund stands. The amount; of one that is done, what the bank finds it by.
    public required Func<string, string> RefundOnTheWay { get; init; }
    public required Func<string, string> RefundUnresolved { get; init; }
    public required Func<string, string?, string> RefundPaidBack { get; init; }
    public required Func<string, string> RefundInHand { get; init; }

    public static MailWords For(string locale) => locale == "hi" ? HindiWords.All : English;

    public static MailWords English { get; } = new()
    {
        Locale = "en",
        Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
        GroupsAsInIndia = false,
        Dear = name => $"Dear {name},",
        DearShopper = "Hello,",
        Subject = (headline, order) => $"{headline} · order {order}",
        OrderNumber = Texts.OrderNumber,
        PaymentNumber = Texts.PaymentNumber,
        Total = Texts.Total,
        TotalDue = Texts.TotalDue,
        PaidOn = Texts.PaidOn,
        PaidThrough = Texts.PaidThrough,
        PaymentDeadline = "To be paid by",
        MoreLines = Texts.MoreLines,
        ShowStatus = "See how your payment stands",
        TryAgain = Texts.TryAgain,
        StatusHere = "How your payment stands, at any time:",
        Questions = Texts.Questions,
        Automatic = "This mail was sent by a machine because something happened to your order. The link in it is yours alone; please do not pass it on.",
        Paid = Texts.Paid,
        PaidWords = Texts.PaidWords,
        PaidLate = Texts.PaidLate,
        PaidLateWords = Texts.PaidLateWords,
        PaidGoesBack = "Your payment was received and goes back to you",
        PaidWentBack = "Your payment was received and has been paid back to you",
        KeepAsProof = "Please do not pay again. Keep this mail as your proof.",
        InvoiceEnclosed = number => $"Your invoice {number} is attached.",
        CreditNoteEnclosed = number => $"Credit note {number} is attached.",
        InvoiceCredited = (invoice, credit) => $"Invoice {invoice} does not count any more: credit note {credit}, which is attached, takes all of it back.",
        Declined = Texts.Declined,
        DeclinedWords = gateway => $"Your bank or {gateway} said no to the last try, or it was broken off, and you were not charged for it. You can try again, with another card or account.",
        Failed = Texts.Failed,
        FailedWords = Texts.FailedWords,
        Expired = Texts.Expired,
        ExpiredWords = Texts.ExpiredWords,
        Denied = Texts.Denied,
        DeniedWords = Texts.DeniedWords,
        DeniedCounts = Texts.DeniedCounts,
        WatchingRefund = Texts.EndedWatchingRefund,
        WatchingAccept = Texts.EndedWatchingAccept,
        Late = Texts.LateRefund,
        LateWords = Texts.LateRefundWords,
        LateAsked = Texts.LateAsked,
        LateAskedWords = Texts.LateAskedWords,
        Second = new(Texts.PaidTwice, Texts.SecondPayment, Texts.StaysPaidTwice, Texts.DuplicateAsked, "Your second payment was paid back"),
        Further = new(Texts.PaidOften, Texts.FurtherPayment, Texts.StaysPaidOften, Texts.DuplicatesAsked, "Your further payment was paid back"),
        Held = Texts.Held,
        HeldWords = (got, due) => $"{got} arrived, and the order is {due}. Nothing is lost: the shop has been told and will put it right with you.",
        RefundDone = Texts.RefundDone,
        PartRefundDone = Texts.PartRefundDone,
        RestRefundDone = "The rest of your money was paid back",
        AllPaidBack = amount => $"With that all of it, {amount}, has gone back to you.",
        StaysPaid = "The order stays paid by your first payment.",
        RefundFailed = "Your refund did not work yet",
        RefundFailedWords = "The shop has been told and has it in hand. You need not do anything.",
        RefundOnTheWay = amount => $"Refund of {amount}: on the way. It usually takes five to seven working days.",
        RefundUnresolved = amount => $"Refund of {amount}: on the way; we are making sure that it arrives.",
        RefundPaidBack = (amount, bank) => bank is null
            ? $"Refund of {amount}: paid back. Your bank may take some days to show it."
            : $"Refund of {amount}: paid back. Your bank can find it by {bank}; it may take some days to show it.",
        RefundInHand = amount => $"Refund of {amount}: it did not work yet. The shop has been told and tries another way.",
    };
}

/// <summary>What is said of a payment that was not needed, for the order had its own.</summary>
/// <param name="Payment">What goes back, by its amount.</param>
/// <param name="Asked">A person decides.</param>
public sealed record ExtraWords(string Headline, Func<string, string> Payment, string Words, string Asked, string PaidBack);
