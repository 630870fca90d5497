using System.Globalization;
using System.Text.RegularExpressions;

namespace Purser.Reconciliation;

/// <summary>Under what name the books have what a person is asked about a row. A row that comes with other content has one of its own beside the first; so has each further row of a name,
/// for ever: by its file and line.</summary>
public static partial class RowName
{
    public const string Changed = " (changed)";

    /// <summary>Of an older program, which had one such name for all further rows of a key.</summary>
    public const string Again = " (again)";

    public static string Of(string rowKey, SettlementClass question) => question switch
    {
        SettlementClass.Changed => rowKey + Changed,
        SettlementClass.DuplicateLine => rowKey + Again,
        _ => rowKey,
    };

    /// <summary>A further row of a key in its file.</summary>
    public static string Further(string rowKey, string file, int line) => string.Create(CultureInfo.InvariantCulture, $"{rowKey} (again {file} line {line})");

    /// <summary>The same in SQL, of columns or parameters.</summary>
    /// <param name="file">The file's number.</param>
    public static string FurtherSql(string rowKey, string file, string line) => $"({rowKey} || format(' (again stl_%s line %s)', {file}, {line}))";

    /// <summary>A gateway's own key that ends as a name of ours does is kept with one bracket more. No two keys become one by that, and none is such a name: those have a space
    /// before their bracket.</summary>
    public static string Kept(string rowKey) => LooksOurs(rowKey) ? rowKey.Insert(OurEnd().Match(rowKey).Index, "(") : rowKey;

    public static bool LooksOurs(string rowKey) => rowKey.EndsWith(')') && OurEnd().IsMatch(rowKey);

    [GeneratedRegex(@"\((changed|again( stl_[0-9]+ line [0-9]+)?)\)\z", RegexOptions.CultureInvariant)]
    private static partial Regex OurEnd();
}
