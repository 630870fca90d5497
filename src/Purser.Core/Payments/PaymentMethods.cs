using System.Collections.Immutable;

namespace Purser.Payments;

/// <summary>The ways to pay that many gateways offer, by the names that the API, routing rules and gateways' profiles use. A wallet that is a
/// gateway's own is named by that gateway.</summary>
public static class PaymentMethods
{
    public const string Card = "card";
    public const string Upi = "upi";
    public const string NetBanking = "netbanking";
    /// <summary>A wallet that the gateway's page lets the shopper choose.</summary>
    public const string Wallet = "wallet";
    public const string GooglePay = "google_pay";
    public const string ApplePay = "apple_pay";
    public const string BankTransfer = "bank_transfer";

    /// <summary>In the order in which a page shows them.</summary>
    public static ImmutableArray<string> Common { get; } = [Upi, Card, NetBanking, GooglePay, ApplePay, Wallet, BankTransfer];
}
