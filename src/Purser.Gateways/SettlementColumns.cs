using System.Collections.Immutable;
using System.Text;

namespace Purser.Gateways;

/// <summary>The header of a statement: which column stands where. Names compare without case, and blanks in them count as one.</summary>
sealed class SettlementColumns
{
    const int LongestName = 200;

    readonly Dictionary<string, int> places = new(StringComparer.OrdinalIgnoreCase);
    readonly string[] names;

    SettlementColumns(string[] names)
    {
        this.names = names;
        for (var i = 0; i < names.Length; i++)
            if (names[i].Length > 0) Named = i + 1;
    }

    /// <summary>How many cells the header has.</summary>
    public int Count => names.Length;

    /// <summary>How many it has up to the last that has a name: a row has no fewer.</summary>
    public int Named { get; }

    /// <summary>What a person finds the column by.</summary>
    public string this[int at] => at < names.Length && names[at].Length > 0 ? names[at] : $"column {at + 1}";

    /// <summary>Less than nothing when there is no such column.</summary>
    public int Find(string name) => places.TryGetValue(name, out var at) || places.TryGetValue(Normal(name), out at) ? at : -1;

    /// <summary>Null when the row is not the header; then it may be nearer to one than those before it.</summary>
    public static SettlementColumns? TryRead(SettlementRows row, ImmutableArray<string> mandatory, Nearest nearest)
    {
        if (row.Count < 2 && mandatory.Length > 1) return null;
        var columns = new SettlementColumns([.. Enumerable.Range(0, row.Count).Select(i => Normal(row[i][..Math.Min(row[i].Length, LongestName)]))]);
        var twice = -1;
        for (var i = 0; i < columns.Count; i++)
            if (columns.names[i].Length > 0 && !columns.places.TryAdd(columns.names[i], i)) twice = i;
        var missing = mandatory.Where(m => columns.Find(m) < 0).ToList();
        if (missing.Count > 0)
        {
            nearest.Consider(row.Number, missing, mandatory.Length, columns.names);
            return null;
        }
        if (twice >= 0)
            throw SettlementReader.NotAStatementException.At(row.Number, columns.names[twice], $"stands twice in the header, in column {columns.Find(columns.names[twice]) + 1} and column {twice + 1}");
        return columns;
    }

    static string Normal(ReadOnlySpan<char> name)
    {
        var normal = new StringBuilder(name.Length);
        foreach (var letter in name.Trim().Trim('\ufeff'))
            if (!char.IsWhiteSpace(letter)) normal.Append(letter);
            else if (normal.Length > 0 && normal[^1] != ' ') normal.Append(' ');
        return normal.ToString().TrimEnd();
    }

    /// <summary>The row that had most of the mandatory columns, so that a person is told what is missing and not only that something is.</summary>
    public sealed class Nearest
    {
        int number, found;
        List<string> missing = [];
        string[] names = [];

        public void Consider(int at, List<string> lacks, int mandatory, string[] has)
        {
            if (mandatory - lacks.Count <= found) return;
            (number, found, missing, names) = (at, mandatory - lacks.Count, lacks, has);
        }

        public SettlementReader.NotAStatementException Refusal(ImmutableArray<string> mandatory, int within) => found == 0
            ? new($"None of the first {within} rows has the columns {string.Join(", ", mandatory)}.")
            : SettlementReader.NotAStatementException.At(
                number, missing[0], $"is missing from the header{(Close(missing[0]) is { } close ? $"; the nearest name is '{SettlementRow.Shown(close)}'" : "")}"
                + (missing.Count > 1 ? $". Also missing: {string.Join(", ", missing.Skip(1))}" : ""));

        string? Close(string name) => names.Where(n => n.Length > 0).Select(n => (Name: n, Far: Distance(n.ToUpperInvariant(), name.ToUpperInvariant())))
            .Where(n => n.Far <= Math.Max(2, name.Length / 2)).OrderBy(n => n.Far).Select(n => n.Name).FirstOrDefault();

        /// <summary>How many letters must be put in, taken out or changed.</summary>
        static int Distance(string left, string right)
        {
            var row = Enumerable.Range(0, right.Length + 1).ToArray();
            for (var i = 1; i <= left.Length; i++)
            {
                var corner = row[0]++;
                for (var j = 1; j <= right.Length; j++)
                    (corner, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, corner + (left[i - 1] == right[j - 1] ? 0 : 1)));
            }
            return row[^1];
        }
    }
}
