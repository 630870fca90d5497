using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Purser.Server.Platform;

/// <summary>One numbered step of the schema: a file of db/, carried inside the program.</summary>
public sealed partial record Migration(int Number, string Name, string Sql)
{
    /// <summary>A file with this line runs statement by statement outside a transaction, as concurrent index builds must.
    /// Each of its statements ends with a semicolon at the end of a line, and all can be run again.</summary>
    public const string NoTransactionMark = "-- purser:no-transaction";

    public string File => $"db/{Number:0000}_{Name}.sql";

    /// <summary>Of the text with plain line ends, so that a checkout on another system gives the same.</summary>
    public string Sha256 =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql.ReplaceLineEndings("\n"))));

    public bool RunsOutsideTransaction => Lines(Sql).Any(line => line.Trim() == NoTransactionMark);

    /// <summary>The statements to run one by one, or all of it as one.</summary>
    internal IReadOnlyList<string> Statements => RunsOutsideTransaction
        ? [.. StatementEnd().Split(Sql).Select(text => text.Trim()).Where(HasStatement)]
        : [Sql];

    /// <summary>The files of db/ inside this program, by number.</summary>
    public static ImmutableArray<Migration> Embedded { get; } = Read();

    static ImmutableArray<Migration> Read()
    {
        var assembly = typeof(Migration).Assembly;
        return [..
            from resource in assembly.GetManifestResourceNames()
            let match = FileName().Match(resource)
            where match.Success
            let migration = new Migration(
                int.Parse(match.Groups["number"].Value), match.Groups["name"].Value, Text(assembly.GetManifestResourceStream(resource)!))
            orderby migration.Number
            select migration];
    }

    static string Text(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    static bool HasStatement(string text) =>
        Lines(text).Any(line => line.Trim() is { Length: > 0 } trimmed && !trimmed.StartsWith("--", StringComparison.Ordinal));

    static string[] Lines(string text) => text.ReplaceLineEndings("\n").Split('\n');

    [GeneratedRegex(@"^db/(?<number>\d{4})_(?<name>\w+)\.sql$")]
    private static partial Regex FileName();

    [GeneratedRegex(@";[ \t]*\r?$", RegexOptions.Multiline)]
    private static partial Regex StatementEnd();
}
