namespace Purser.Simulation;

enum RefundState { UnderWay, Done, Failed }

/// <summary>A refund as the gateway that was asked for it knows it.</summary>
/// <param name="Reference">Ours, as it came in the request.</param>
sealed class WrittenRefund(string id, string reference, string paymentReference, WorldLink link, WorldTry money, Money amount, DateTimeOffset at)
{
    public string Id => id;
    public string Reference => reference;
    public string PaymentReference => paymentReference;
    public WorldLink Link => link;
    public WorldTry Money => money;
    public Money Amount => amount;
    public DateTimeOffset At => at;
    public RefundState State { get; set; }
    /// <summary>Lists do not have it before this.</summary>
    public DateTimeOffset VisibleFrom { get; init; }
}
