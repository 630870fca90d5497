namespace Purser.Server.Settlement;

/// <summary>How settlement files come in and what is done about them, from the section <c>Purser:Settlement</c>.</summary>
public sealed record SettlementOptions
{
    public const string Section = "Purser:Settlement";

    /// <summary>The largest file that is taken.</summary>
    public long MostBytes { get; init; } = 4L * 1024 * 1024 * 1024;

    /// <summary>A folder with a folder for each account; what is dropped there is read. Empty: none is watched.</summary>
    public string? Folder { get; init; }

    /// <summary>Gateways with an API are asked for so many days back; 0 asks for none.</summary>
    public int FetchDays { get; init; } = 3;

    /// <summary>What becomes of money that a statement has for an order which is not paid: <c>act</c> or <c>ask</c>.</summary>
    public string TheirsPaid { get; init; } = "act";

    public const string ConfirmAbove = nameof(ConfirmAbove), TwoPersonsAbove = nameof(TwoPersonsAbove);

    /// <summary>Above it a person must confirm what the statement alone says; from <c>ConfirmAbove</c>.</summary>
    public AmountLimits Confirm { get; init; } = AmountLimits.Usual(1);

    /// <summary>Above it two persons must; from <c>TwoPersonsAbove</c>.</summary>
    public AmountLimits TwoPersons { get; init; } = AmountLimits.Usual(10);

    /// <summary>Lines that are stored in one commit.</summary>
    public int LinesAtOnce { get; init; } = 20_000;

    /// <summary>Lines under way in the engine at once.</summary>
    public int Acting { get; init; } = 256;

    /// <summary>How often the overdue are looked for.</summary>
    public TimeSpan OverdueEvery { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Faults of the settings, each with its name and remedy.</summary>
    public IEnumerable<string> Faults()
    {
        if (MostBytes is < 1024 or > 1L << 40) yield return $"{Section}:MostBytes is {MostBytes}; set it between 1024 and {1L << 40}.";
        if (Folder is { Length: > 0 } && !Path.IsPathFullyQualified(Folder)) yield return $"{Section}:Folder is '{Folder}'; set it to a whole path, such as /var/lib/purser/settlements.";
        if (FetchDays is < 0 or > 90) yield return $"{Section}:FetchDays is {FetchDays}; set it between 0 and 90.";
        if (TheirsPaid is not ("act" or "ask")) yield return $"{Section}:TheirsPaid is '{TheirsPaid}'; set it to act or ask.";
        foreach (var fault in Confirm.Faults.Concat(TwoPersons.Faults)) yield return fault;
        foreach (var currency in Confirm.Currencies.Union(TwoPersons.Currencies))
            if (TwoPersons.Of(currency) < Confirm.Of(currency))
                yield return $"{Section}:TwoPersonsAbove:{currency.Code} is {Major(TwoPersons, currency)}; set it to ConfirmAbove:{currency.Code} ({Major(Confirm, currency)}) or more.";
        if (LinesAtOnce is < 1 or > 100_000) yield return $"{Section}:LinesAtOnce is {LinesAtOnce}; set it between 1 and 100000.";
        if (Acting is < 1 or > 4096) yield return $"{Section}:Acting is {Acting}; set it between 1 and 4096.";
        if (OverdueEvery < TimeSpan.FromMinutes(1)) yield return $"{Section}:OverdueEvery is {OverdueEvery}; set it to 00:01:00 or more.";
    }

    static string Major(AmountLimits limits, Currency currency) => new Money(limits.Of(currency), currency).ToMajorUnits();
}
