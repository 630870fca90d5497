using Npgsql;
using NpgsqlTypes;

namespace Purser.Server.Engine;

/// <summary>One column of rows that are written by the hundred: its name, its type, and how to read it off a record.</summary>
abstract class Column<TRow>(string name, NpgsqlDbType type)
{
    public string Name => name;

    /// <summary>The type's name in SQL, as an array.</summary>
    public string SqlArray => type switch
    {
        NpgsqlDbType.Bigint => "bigint[]",
        NpgsqlDbType.Integer => "integer[]",
        NpgsqlDbType.Smallint => "smallint[]",
        NpgsqlDbType.Text => "text[]",
        NpgsqlDbType.Boolean => "boolean[]",
        NpgsqlDbType.TimestampTz => "timestamptz[]",
        NpgsqlDbType.Bytea => "bytea[]",
        NpgsqlDbType.Date => "date[]",
        _ => throw new NotSupportedException($"No array of {type}."),
    };

    protected NpgsqlDbType Type => type;

    public abstract NpgsqlParameter Parameter(IReadOnlyList<TRow> rows);

    public abstract Column<TOuter> From<TOuter>(Func<TOuter, TRow> inner);
}

static class Column
{
    public static Column<TRow> Of<TRow, TValue>(string name, NpgsqlDbType type, Func<TRow, TValue> read) => new Reading<TRow, TValue>(name, type, read);

    sealed class Reading<TRow, TValue>(string name, NpgsqlDbType type, Func<TRow, TValue> read) : Column<TRow>(name, type)
    {
        public override NpgsqlParameter Parameter(IReadOnlyList<TRow> rows)
        {
            var values = new TValue[rows.Count];
            for (var i = 0; i < values.Length; i++) values[i] = read(rows[i]);
            // PostgreSQL's text holds no zero byte, and one such word must not cost a batch.
            if (values is string?[] texts)
                for (var i = 0; i < texts.Length; i++)
                    if (texts[i]?.Contains('\0', StringComparison.Ordinal) == true) texts[i] = texts[i]!.Replace('\0', '\uFFFD');
            return new NpgsqlParameter<TValue[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | Type };
        }

        public override Column<TOuter> From<TOuter>(Func<TOuter, TRow> inner) => Of(Name, Type, (TOuter outer) => read(inner(outer)));
    }
}

/// <summary>One statement for any number of rows: every column is an array parameter, so the text stays the same and prepared.</summary>
sealed class RowSet<TRow>(string sql, Column<TRow>[] columns)
{
    /// <summary>Adds the statement to the batch when there is a row.</summary>
    public void Add(NpgsqlBatch batch, IReadOnlyList<TRow> rows)
    {
        if (rows.Count == 0) return;
        var command = new NpgsqlBatchCommand(sql);
        foreach (var column in columns) command.Parameters.Add(column.Parameter(rows));
        batch.BatchCommands.Add(command);
    }
}

static class RowSet
{
    /// <param name="extra">A column that the database fills in, and with what.</param>
    public static RowSet<TRow> Insert<TRow>(string table, Column<TRow>[] columns, string? extra = null, string? with = null) => new(
        $"insert into {table} ({Names(columns)}{(extra is null ? "" : ", " + extra)}) " +
        $"select u.*{(with is null ? "" : ", " + with)} from {Unnest(columns)} u", columns);

    public static RowSet<TRow> Update<TRow>(string table, Column<TRow>[] key, Column<TRow>[] columns) => new(
        $"update {table} t set {string.Join(", ", columns.Select(c => $"{c.Name} = u.{c.Name}"))} " +
        $"from {Unnest([.. key, .. columns])} u ({Names([.. key, .. columns])}) " +
        $"where {string.Join(" and ", key.Select(c => $"t.{c.Name} = u.{c.Name}"))}", [.. key, .. columns]);

    /// <summary>A statement of its own kind, in which <c>{rows} u</c> stands for the rows.</summary>
    public static RowSet<TRow> Sql<TRow>(string sql, Column<TRow>[] columns) => new(
        sql.Replace("{rows} u", $"{Unnest(columns)} u ({Names(columns)})", StringComparison.Ordinal), columns);

    static string Names<TRow>(Column<TRow>[] columns) => string.Join(", ", columns.Select(c => c.Name));

    static string Unnest<TRow>(Column<TRow>[] columns) =>
        $"unnest({string.Join(", ", columns.Select((c, i) => $"${i + 1}::{c.SqlArray}"))})";
}
