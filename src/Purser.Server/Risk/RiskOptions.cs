using System.Globalization;
using Purser.Server.Platform;

namespace Purser.Server.Risk;

/// <summary>How old money at risk may become before it is an alarm: <c>Risk:Age</c>, and for single kinds <c>Risk:Ages:unresolved</c> and so on. A kind
/// whose age is <c>never</c> is not asked about: <c>unfulfilled</c>, where nobody confirms that goods went out.</summary>
public sealed record RiskOptions
{
    public const string Section = "Risk";

    public TimeSpan Age { get; init; } = TimeSpan.FromDays(1);
    public IReadOnlyDictionary<string, TimeSpan> Ages { get; init; } = new Dictionary<string, TimeSpan>();

    /// <summary>Goods take longer than money.</summary>
    static readonly TimeSpan ForGoods = TimeSpan.FromDays(3);

    public TimeSpan Of(string kind) => Ages.TryGetValue(kind, out var age) ? age : kind == RiskKinds.Unfulfilled ? ForGoods : Age;

    public bool Asks(string kind) => Of(kind) != TimeSpan.MaxValue;

    /// <exception cref="StartFailureException">A setting is wrong.</exception>
    public static RiskOptions From(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var ages = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        foreach (var one in section.GetSection("Ages").GetChildren())
        {
            if (!RiskKinds.All.Contains(one.Key))
                throw new StartFailureException($"{one.Path} is no kind of risk; the kinds are {string.Join(", ", RiskKinds.All)}.");
            ages[one.Key] = one.Value == "never" ? TimeSpan.MaxValue : Read(one.Path, one.Value);
        }
        return new RiskOptions { Age = section["Age"] is { } all ? Read($"{Section}:Age", all) : TimeSpan.FromDays(1), Ages = ages };
    }

    static TimeSpan Read(string setting, string? value) =>
        TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var age) && age > TimeSpan.Zero ? age
            : throw new StartFailureException($"{setting} is '{value}'; write an age such as 12:00:00 for twelve hours or 3.00:00:00 for three days, or, for a single kind, never.");
}
