using System.Globalization;
using System.Text;
using Purser.Gateways;
using Purser.Reconciliation;
using Purser.Server.Gateways;

namespace Purser.Simulation;

/// <summary>A gateway's report, cut into what stands above its rows, the rows about money, and what stands below them.</summary>
sealed class Statement
{
    Statement(string head, IReadOnlyList<StatementRow> rows, string foot) => (Head, Rows, Foot) = (head, rows, foot);

    public string Head { get; }
    public IReadOnlyList<StatementRow> Rows { get; }
    public string Foot { get; }

    /// <summary>Which of its lines are about money says the gateway's own reader.</summary>
    public static Statement Of(string text, GatewayAccounts.Entry entry)
    {
        // Where nothing was settled yet, some gateways have not even a header to say.
        if (text.Length == 0) return new Statement("", [], "");
        var lines = Lines(text);
        var rows = new List<(int At, StatementRow Row)>();
        foreach (var read in SettlementReader.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), ((ISettleByFile)entry.Gateway).Sheet, entry.Account))
            if (read.Line is { } said)
                rows.Add((read.Number - 1, new StatementRow(lines[read.Number - 1], said, 1 + rows.Count(r => r.Row.Said.RowKey == said.RowKey))));
            else if (read.Fault is { } fault) throw new InvalidOperationException($"{entry.Account.Name}'s own report cannot be read: {fault}");
        return rows.Count == 0
            ? new Statement(text, [], "")
            : new Statement(string.Concat(lines[..rows[0].At]), [.. rows.Select(r => r.Row)], string.Concat(lines[(rows[^1].At + 1)..]));
    }

    public byte[] With(IEnumerable<string> rows) => Encoding.UTF8.GetBytes(Head + string.Concat(rows) + Foot);

    static string[] Lines(string text)
    {
        var lines = new List<string>();
        for (var from = 0; from < text.Length;)
        {
            var end = text.IndexOf('\n', from) is >= 0 and var at ? at + 1 : text.Length;
            lines.Add(text[from..end]);
            from = end;
        }
        return [.. lines];
    }
}

/// <summary>One row as it is written, and what it says.</summary>
/// <param name="Nth">Where a gateway has no names for its rows, two may be called the same: this is the how manieth of them.</param>
sealed record StatementRow(string Text, SettlementLine Said, int Nth)
{
    /// <summary>The same in every report, whatever columns those have.</summary>
    public (string, int) Name => (Said.RowKey, Nth);

    /// <summary>What the row moves between the gateway and the shopper, with sign.</summary>
    public Money Gross => Said.Kind is SettlementKind.Payment or SettlementKind.DisputeReturned or SettlementKind.RefundReturned ? Said.Amount : -Said.Amount;

    /// <summary>The row with another amount; null where the amount is not to be found in it.</summary>
    public string? WithAmount(Money other)
    {
        foreach (var format in (string[])["0.00", "#,##0.00"])
            if (Text.Contains(Major(Said.Amount, format), StringComparison.Ordinal)) return Text.Replace(Major(Said.Amount, format), Major(other, format), StringComparison.Ordinal);
        return null;
    }

    static string Major(Money money, string format) => (money.MinorUnits / 100m).ToString(format, CultureInfo.InvariantCulture);
}
