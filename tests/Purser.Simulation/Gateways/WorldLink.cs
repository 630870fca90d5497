using Purser.Payments;

namespace Purser.Simulation;

enum LinkState { Open, Paid, Cancelled, Expired }

enum TryState { UnderWay, Captured, Failed }

/// <summary>A value with its past, for gateways whose answers lag behind what they did.</summary>
sealed class Past<T>(long since, T first)
{
    readonly List<(long Since, T Value)> values = [(since, first)];

    public T Now => values[^1].Value;

    public T At(long ticks)
    {
        for (var i = values.Count - 1; i > 0; i--)
            if (values[i].Since <= ticks) return values[i].Value;
        return values[0].Value;
    }

    public void Become(long ticks, T value) => values.Add((ticks, value));
}

/// <summary>One try of a shopper on a link. Captured ones are the money that a gateway truly holds.</summary>
sealed class WorldTry(string id, Money amount, DateTimeOffset at, TryState first)
{
    public string Id => id;
    public Money Amount => amount;
    public DateTimeOffset At => at;
    public Past<TryState> State { get; } = new(at.UtcTicks, first);
    public DateTimeOffset? CapturedAt { get; set; }
    /// <summary>The gateway's page said no at first, and so does the gateway to whoever asks.</summary>
    public bool SeemedDeclined { get; init; }
    /// <summary>From when on an answer of the gateway says that it may be paid; null while it says that it is not.</summary>
    public DateTimeOffset? KnownFrom => SeemedDeclined ? CapturedAt : At;
    /// <summary>The gateway told that it was captured, and says now that it never was.</summary>
    public bool TakenBack { get; set; }
}

/// <summary>Money that a gateway truly gave back.</summary>
sealed record WorldRefund(string MoneyId, Money Amount);

/// <summary>A refund that came back to the gateway after it had gone, or that nobody had asked for.</summary>
sealed record WorldReturn(string RefundId, string MoneyId, Money Amount)
{
    /// <summary>The name of the fact that it stands so.</summary>
    public static string Fact(string refundId, RefundState state) => $"{refundId} {state}";
}

/// <summary>Money that a shopper's bank took back from the gateway, or wants to.</summary>
/// <param name="fee">What the gateway keeps for its trouble.</param>
sealed class WorldDispute(string id, WorldLink link, string moneyId, Money amount, Money fee)
{
    public string Id => id;
    public WorldLink Link => link;
    public string MoneyId => moneyId;
    public Money Amount => amount;
    public Money Fee => fee;
    public DisputeState State { get; set; } = DisputeState.Open;
    /// <summary>It was lost once, and the money came back all the same.</summary>
    public bool CameBack { get; private set; }

    public void Change() => (State, CameBack) = (DisputeState.Won, true);

    /// <summary>The name of the fact that it stands so.</summary>
    public string Fact(DisputeState state) => $"{id} {state}";
}

/// <summary>A link as the gateway that made it knows it.</summary>
sealed class WorldLink(string id, string reference, int order, PaymentId payment, Money amount, DateTimeOffset at, DateTimeOffset expiresAt, string returnUrl)
{
    public string Id => id;
    /// <summary>Ours, as it came in the request.</summary>
    public string Reference => reference;
    /// <summary>Which of the world's orders it is for.</summary>
    public int Order => order;
    public PaymentId Payment => payment;
    public Money Amount => amount;
    public DateTimeOffset At => at;
    public DateTimeOffset ExpiresAt => expiresAt;
    public string ReturnUrl => returnUrl;
    public required string Url { get; init; }
    /// <summary>Questions about it find nothing before this.</summary>
    public DateTimeOffset VisibleFrom { get; init; }
    public Past<LinkState> State { get; } = new(at.UtcTicks, LinkState.Open);
    public List<WorldTry> Tries { get; } = [];

    public WorldTry? Money => Tries.FirstOrDefault(t => t.State.Now == TryState.Captured);

    /// <summary>What the gateway says of it, where it is one that lives by itself.</summary>
    public Func<bool>? Takes { get; init; }

    /// <summary>The gateway would still take money on it, if anybody knew where.</summary>
    public Func<bool>? Lives { get; init; }

    public bool IsAlive(DateTimeOffset now) => Lives?.Invoke() ?? Payable(now);

    public bool Payable(DateTimeOffset now) => Takes?.Invoke() ?? (State.Now == LinkState.Open && now < ExpiresAt);
}

/// <summary>How an answer is given: as things stood then, with what lies in it.</summary>
readonly record struct View(long AsOf, long AmountOff = 0, bool UnknownWord = false)
{
    public long Amount(Money money) => money.MinorUnits - AmountOff;
}

/// <summary>An HTTP answer of a simulated gateway.</summary>
sealed record WireAnswer(int Status, string Body, params IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    public string? ContentType { get; init; }
}

/// <summary>One piece of news that a gateway sends until it is taken.</summary>
/// <param name="Render">What it says, with what lies in it, and the event's id.</param>
/// <param name="Money">The captured try that it tells of.</param>
/// <param name="MustArrive">No inquiry would ever find this; only the news or a settlement file tells.</param>
sealed record Notice(string Type, WorldLink Link, Func<string, View, string> Render, bool MustArrive = false, string? Money = null)
{
    /// <summary>The gateway's own name for the event, where it has one.</summary>
    public string? EventId { get; init; }

    /// <summary>What it tells of beside captured money, where it is proof of it.</summary>
    public string? Fact { get; init; }
}

/// <summary>A notice on its way.</summary>
sealed record Letter(byte[] Body, Dictionary<string, string> Headers);
