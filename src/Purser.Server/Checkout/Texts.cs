using Purser.Orders;
using Purser.Payments;
using Purser.Refunds;

namespace Purser.Server.Checkout;

/// <summary>Every word that a shopper reads, in English. Another language is another set of these.</summary>
public static class Texts
{
    // The frame.
    public const string SkipToContent = "Skip to content";
    public const string PoweredBy = "Payment by Purser";
    public const string TestMode = "Test mode: no real money moves.";
    public const string Questions = "Questions?";

    // Checkout.
    public const string CheckoutTitle = "Checkout";
    public const string YourOrder = "Your order";
    public const string Total = "Total";
    public const string TotalDue = "Total to pay";
    public const string HowToPay = "How would you like to pay?";
    public const string NoWay = "This amount cannot be paid here at the moment. Nothing was charged. Please turn to the shop.";
    public const string TimeLeft = "Time left to pay";
    public const string Invoice = "Invoice";
    public const string Pdf = "PDF";
    public static string CreditNote(string amount) => $"Credit note of {amount}";
    public const string OrderNumber = "Order number";
    /// <summary>As the shopper knows the order, on pages and in mails: by the shop's own number, where there is one.</summary>
    public static string NumberOf(Order order) => order.Reference ?? order.Id.ToString();
    public const string HandOverNote = "You pay on a secure page of the payment company. This shop never sees your card or bank details.";
    public const string ChooseOne = "Please choose how to pay, then press Pay.";
    public const string NotNow = "Your payment could not be started just now";
    public const string NotNowWords = "We are very busy. Nothing was charged. Please try again in a few seconds.";
    public const string TooManyTries = "Too many tries for this order";
    public const string TooManyTriesWords = "Nothing more can be started for this order. If you were charged, it is not lost. Please turn to the shop.";
    public const string BackToCheckout = "Back to checkout";

    public static string Pay(string amount) => $"Pay {amount}";
    public const string MoreWays = "More ways to pay";
    public const string OwnPage = "you choose how on its page";
    public static string Quantity(long quantity, string each) => $"{quantity:N0} × {each}";
    public static string MoreLines(int lines) => $"and {lines:N0} more";
    public static string ShowAll(int lines) => $"Show all {lines:N0} lines";

    public static string Method(string method) => method switch
    {
        "card" => "Card",
        "upi" => "UPI",
        "netbanking" => "Net banking",
        "google_pay" => "Google Pay",
        "apple_pay" => "Apple Pay",
        "wallet" => "Wallet",
        "bank_transfer" => "Bank transfer",
        _ => string.Concat(char.ToUpperInvariant(method[0]).ToString(), method[1..].Replace('_', ' ')),
    };

    // Hand-over.
    public static string TakingYou(string gateway) => $"Taking you to {gateway}";
    public const string TakingYouWords = "Your order is kept. Come back to this address at any time to see how your payment stands.";
    public static string GoOn(string gateway) => $"Continue to {gateway}";

    // How it stands.
    public const string StatusTitle = "Payment status";
    public const string SafeToClose = "It is safe to close this page. The link to it is all you need: it always shows how your payment stands.";
    public const string PayNoMore = "Please do not pay again.";
    public const string DoNotPayAgain = $"{PayNoMore} It is safe to close this page: the link to it always shows how your payment stands.";
    public const string PaidSafety = $"{PayNoMore} It is safe to close this page; keep its link as your proof.";
    public const string CopyLink = "Copy link";
    public const string LinkCopied = "Link copied";
    public const string CheckNow = "Check now";
    public const string TryAgain = "Try again";
    public const string ContinuePayment = "Open the payment page again";
    public const string AnotherWay = "Pay another way";
    public const string BackToShop = "Back to the shop";
    public const string LiveOn = "This page updates by itself.";
    public const string LiveOff = "No connection. We keep trying; your payment is not affected.";
    public const string LeaveTitle = "Your payment is still under way";
    public const string LeaveWords = "Leaving does not stop it. Please do not pay a second time: come back to this link to see how it stands.";
    public const string Stay = "Stay here";
    public const string Leave = "Leave anyway";
    public const string PaidOn = "Paid on";
    public const string PaidThrough = "Paid through";
    public const string PaymentNumber = "Payment number";

    public const string Ready = "Ready to be paid";
    public const string ReadyWords = "Nothing was charged yet.";
    public const string Starting = "Preparing your payment page";
    public static string StartingWords(string gateway) => $"We are asking {gateway} for your payment page. This takes a few seconds.";
    public const string Pending = "Your payment page is waiting for you";
    public static string PendingWords(string gateway) =>
        $"We have not heard of a payment yet. Your page at {gateway} is still open; if you have just paid, give it a moment.";
    public const string SamePage = "However often you open it, it is the same page: you can only pay once on it.";
    public const string Asking = "We are asking whether you have paid";
    public static string AskingWords(string gateway) =>
        $"You opened the page at {gateway}, and it takes a few minutes until we can be sure what became of it. So that you do not pay twice, we wait for that.";
    public const string OfferedAgain = "If nothing was paid, the payment page is offered to you again here.";
    public const string Declined = "The payment was declined";
    public static string DeclinedWords(string gateway) =>
        $"Your bank or {gateway} said no to the last try, or it was broken off, and you were not charged for it. You can try again on the same page, with another card or account.";
    public const string Processing = "Your payment is on its way";
    public static string ProcessingWords(string gateway) => $"{gateway} tells us that the money is moving. Banks can take a few minutes to confirm it.";
    public const string Unresolved = "We are asking the bank";
    public const string UnresolvedWords = "The answer to our question about your payment got lost on the way. We keep asking until we know.";
    public const string NotChargedTwice = "You will not be charged twice.";
    public const string LinkClosing = "Closing this payment page";
    public static string LinkClosingWords(string gateway) => $"We have asked {gateway} to close the page, so that nothing can be paid there any more.";
    public const string Closing = "The time to pay is over";
    public const string ClosingWords = "We are checking one last time whether a payment came through.";
    public const string Held = "We received a different amount";
    public static string HeldWords(Money got, Money due) =>
        $"{MoneyText.Of(got)} arrived, and the order is {MoneyText.Of(due)}. Nothing is lost: the shop has been told and will put it right with you.";
    public const string Paid = "Paid. Thank you!";
    public const string PaidWords = "Your payment is complete and the shop has been told.";
    public const string PaidLate = "Paid late. Thank you!";
    public const string PaidLateWords = "Your payment arrived after the time of this order was over, and it still counts. The order is paid.";
    public const string PaidAlready = "This order is paid already";
    public const string PaidOtherwiseWords = "It was paid by another try. Please do not pay on a page that is still open; should it happen, you are told here.";
    public const string PaidTwice = "The order is paid; you paid it twice";
    public const string PaidOften = "The order is paid; you paid it more than once";
    public static string PaidTwiceWords(string money, bool isBack, bool isOnly) => $"It is paid by your other payment and stays paid. " +
        (isBack ? $"This {Which(isOnly)} payment, {money}, was not needed and went back to you." : $"Only this {Which(isOnly)} payment, {money}, is not needed, and nothing of it is lost.");
    public static string AlsoPaidTwice(string money, bool isBack, bool isOnly) =>
        $"There was a {Which(isOnly)} payment, too: {money}. {(isBack ? "It was not needed and went back to you." : "It is not needed, and nothing of it is lost.")}";
    public static string AndStaysPaid(string money, bool isBack, bool isOnly) => $"There was a {Which(isOnly)} payment, too: {money}. " +
        (isBack ? "It was not needed and went back to you; the order stays paid by the first." : $"The order stays paid by the first; only the {Which(isOnly)} is not needed, and nothing of it is lost.");
    /// <summary>Of two that were not needed none is the second.</summary>
    static string Which(bool isOnly) => isOnly ? "second" : "further";
    public static string MoneyAt(Money amount, string gateway) => $"{MoneyText.Of(amount)} at {gateway}";
    public const string StaysPaidTwice = "There was a second payment, too. The order stays paid; only the second payment is not needed, and nothing of it is lost.";
    public const string StaysPaidOften = "There was a further payment, too. The order stays paid; only the further payment is not needed, and nothing of it is lost.";
    public static string SecondPayment(string amount) => $"your second payment, {amount}";
    public static string FurtherPayment(string amount) => $"your further payment, {amount}";
    public const string PaidAndHeld = "The order is paid; a further payment arrived";
    public const string DuplicateAsked = "The shop has been told of the second payment and decides with you what becomes of it.";
    public const string DuplicatesAsked = "The shop has been told of the further payments and decides with you what becomes of them.";
    public const string TakenBack = "Your payment was taken back";
    public const string TakenBackWords = "The order was paid, and then the bank or the payment company took the money back. The shop has been told and will turn to you.";
    public const string Refunded = "Refund under way";
    public const string RefundDone = "Your money was paid back";
    public const string PartRefundDone = "A part of your money was paid back";
    public const string RefundedWords = "The order was paid, and the shop gives money back.";
    public const string Failed = "The payment did not go through";
    public const string FailedWords = "Your bank or the payment company ended it. You can try again.";
    public static string NeverOpenedWords(string gateway) => $"{gateway} could not open a payment page, so nothing was charged. You can try again or choose another way.";
    public const string CancelledTry = "This payment page was closed";
    public const string CancelledTryWords = "Nothing was charged on it. You can pay in the way you like.";
    public const string ExpiredTry = "This payment page has run out";
    public const string ExpiredTryWords = "We have not received a payment on it. You can start again.";
    public const string IfChargedItCounts = "If your bank shows a charge all the same, wait a little before you pay again: once we hear of it, it counts for this order.";
    public const string Expired = "The time to pay is over";
    public const string ExpiredWords = "This order was not paid in time and is closed. Please order again at the shop.";
    public const string Cancelled = "The order was cancelled";
    public const string CancelledWords = "The shop cancelled this order. Please do not pay it.";
    public const string Denied = "Your payment did not go through after all";
    public const string DeniedWords = "Your bank or the payment company said that you had paid, and says now that the money never moved. The order is cancelled, and you owe nothing for it; please order again at the shop.";
    public const string DeniedCounts = "Should your account show the payment all the same, tell the shop: money that did move is found, and goes back to you or pays the order.";
    public const string EndedWatchingRefund = "If you were charged, nothing is lost: we keep watching, and money that still arrives goes back to you.";
    public const string EndedWatchingAccept = "If you were charged, nothing is lost: we keep watching, and money that still arrives counts for this order.";
    public const string LateRefund = "Your money came too late; the refund is on the way";
    public const string LateRefundWords = "Your payment arrived after this order was closed. You get all of it back without doing anything.";
    public const string LateRefundDone = "Your money came too late and was paid back";
    public const string LateRefundDoneWords = "Your payment arrived after this order was closed. All of it went back to you.";
    public const string LateAsked = "Your money came too late; the shop decides what becomes of it";
    public const string LateAskedWords = "It arrived safely after this order was closed, and nothing is lost. The shop has been told and decides whether it counts or goes back to you.";

    /// <param name="isOnly">No more than one payment of the order was not needed.</param>
    public static string Refund(Refund refund, bool isOnly)
    {
        var amount = MoneyText.Of(refund.Amount);
        if (refund.Reason == RefundReason.Duplicate) amount = isOnly ? SecondPayment(amount) : FurtherPayment(amount);
        return refund.Status switch
        {
            RefundStatus.Succeeded when refund.BankReference is { } reference => $"Refund of {amount}: paid back. Your bank can find it by {reference}; it may take some days to show it.",
            RefundStatus.Succeeded => $"Refund of {amount}: paid back. Your bank may take some days to show it.",
            RefundStatus.Failed => $"Refund of {amount}: it did not work yet. The shop has been told and tries another way.",
            RefundStatus.Unresolved => $"Refund of {amount}: on the way; we are making sure that it arrives.",
            _ => $"Refund of {amount}: on the way. It usually takes five to seven working days.",
        };
    }

    // Looking a payment up.
    public const string LookUpTitle = "Find your payment";
    public const string LookUpWords = "Lost the link? With your order number and the e-mail address of the order you get it back.";
    public const string LookUpOrderHint = "For example ord_01jd8xk3m4n7p, or the number that the shop gave you.";
    public const string LookUpEmail = "E-mail address";
    public const string LookUpSubmit = "Find payment";
    public const string LookUpNothing = "No order fits this number and this e-mail address. Please check both.";
    public const string LookUpIncomplete = "Please fill in both fields.";
    public static string LookUpHidden(string field) => $"{field}: there is a sign in it that nobody can see. Please empty the field and type it anew.";
    public const string LookUpTooOften = "That was very often. Please wait a minute and try again.";

    // Notices.
    public const string NotFound = "There is nothing here";
    public const string NotFoundWords = "The address is not complete or is not right. Please open the link as you received it.";
    public const string TokenMissing = "This link is not complete";
    public const string TokenMissingWords = "A part of the address is missing. Please open the link as you received it, or find your payment by its order number.";
    public const string TokenExpired = "This link has run out";
    public const string TokenExpiredWords = "Links to orders end after some months. Please turn to the shop with your order number.";
    public const string Away = "Please try again in a moment";
    public const string AwayWords = "We cannot reach our records right now. Your payment is not affected by it. It is safe to close this page.";

    public const string Broken = "Something is broken here";
    public const string BrokenWords = "This is our fault, and trying again does not help. Your payment is not affected by it. Please turn to the shop with your order number.";

    // Start page.
    public const string StartTitle = "Purser";
    public const string ToStart = "Purser: to the start page";
    public const string DemoTitle = "Place a demo order";
    public const string DemoWords = "One click places an order and opens its checkout. You then pay it on a simulated gateway's page.";
    public const string DemoButton = "Place demo order";
    public const string DemoRecent = "Recent demo orders";
    public const string DemoNone = "None yet. The first one appears here.";
    public const string NoGateways = "No gateway account is configured, so nothing can be paid yet. See the section Gateways of the configuration.";
    public const string Road1 = "Order";
    public const string Road1Words = "It is committed before any gateway hears of it.";
    public const string Road2 = "Pay";
    public const string Road2Words = "On the gateway's own page, where you choose how it ends.";
    public const string Road3 = "Know";
    public const string Road3Words = "The status page follows live, whatever gets lost on the way.";
    public const string TileShop = "A shop";
    public const string TileShopWords = "Buy tea in a sample shop, written as a merchant would.";
    public const string TileReference = "API reference";
    public const string TileReferenceWords = "Every call, with examples to try.";
    public const string TileSandbox = "Sandbox";
    public const string TileLaboratory = "Signature laboratory";
    public const string TileLaboratoryWords = "Paste a gateway's message and see each step of its signature.";
    public const string TileSandboxWords = "Break the gateways: lose answers, repeat webhooks, pay twice.";
    public const string TileMailbox = "Mailbox";
    public const string TileMailboxWords = "Every mail that shoppers and operators would get.";
    public static string TileLookUpWords(string email) => $"By order number and e-mail. Demo orders have {email}.";

    // The mailbox.
    public const string MailboxTitle = "Mailbox";
    public const string MailboxWords = "Mails that would have been sent. They are kept until the server stops, the latest 200.";
    public const string MailboxEmpty = "None yet. Place a demo order and pay it.";
    public const string MailboxBack = "All mails";
    public const string MailboxTo = "To";
    public const string MailboxMessage = "Message-ID";
    public const string MailboxEnclosure = "Attached";
    public const string MailboxHtml = "The mail as HTML";
    public const string MailboxText = "The mail as text";

    public static string State(Order order) => order.Status switch
    {
        OrderStatus.Paid => order.Late ? "Paid late" : "Paid",
        _ when IsHeld(order) => "Different amount received",
        OrderStatus.Expired => "Expired",
        OrderStatus.Cancelled => "Cancelled",
        _ when order.Payments.LastOrDefault() is { DeclinedAt: not null, Status: PaymentStatus.Pending or PaymentStatus.Failed } => "Declined, not paid yet",
        _ => "Waiting for payment",
    };

    /// <summary>Money came that does not pay the order, and nothing else paid it.</summary>
    public static bool IsHeld(Order order) => order.Status != OrderStatus.Paid && order.Payments.Any(p => p.Status == PaymentStatus.Held);
}
