namespace Purser.Payments;

/// <summary>Ranked: a closed dispute stays closed whatever order the news comes in.</summary>
public enum DisputeState { None, Open, Won, Lost }

/// <summary>One dispute about a payment's money, as far as news and statements tell. What a statement's row says of its money outranks what news say.</summary>
/// <param name="Reference">The name it was first known by, which it keeps: the gateway's, or the key of the statement's row that told of it.</param>
public sealed record Dispute(string Reference, DisputeState State)
{
    /// <summary>The gateway's name, where a row that does not say it was first.</summary>
    public string? GatewayName { get; init; }
    /// <summary>What the bank took, or wants.</summary>
    public required Money Taken { get; init; }
    /// <summary>When that was true by our clock, as in <see cref="Orders.Evidence.At"/>; the later telling counts.</summary>
    public required DateTimeOffset ToldAt { get; init; }
    /// <summary>The row that took it.</summary>
    public string? TakenRow { get; init; }
    /// <summary>What came back, once it is won.</summary>
    public Money? Returned { get; init; }
    /// <summary>The row that brought it.</summary>
    public string? ReturnedRow { get; init; }

    /// <summary>The name of what was told of without one, before disputes had names here.</summary>
    public const string Nameless = "";

    /// <summary>The gateway's own name for it is known.</summary>
    public bool IsNamed => GatewayName is not null || (Reference.Length > 0 && Reference != TakenRow && Reference != ReturnedRow);

    public bool IsCalled(string name) => Reference == name || GatewayName == name;

    /// <summary>Several disputes as one word.</summary>
    public static DisputeState Together(IEnumerable<DisputeState> states)
    {
        var worst = DisputeState.None;
        foreach (var state in states)
            if (Weight(state) > Weight(worst)) worst = state;
        return worst;

        static int Weight(DisputeState state) => state switch { DisputeState.Open => 3, DisputeState.Lost => 2, DisputeState.Won => 1, _ => 0 };
    }
}
