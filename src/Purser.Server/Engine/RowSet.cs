using Npgsql;
using NpgsqlTypes;

namespace Purser.Server.Engine;

/// <summary>One column of rows that are written by the hundred: its name, its type, and how to read it off a record.</summary>
abstract class Column<TRow>(string name, NpgsqlDbType type)
{
    public string Name => name;

    /// <summary>The type's name in SQL.</summary>
    public string SqlType => type switch
    {
        NpgsqlDbType.Bigint => "bigint",
        NpgsqlDbType.Integer => "integer",
        NpgsqlDbType.Smallint => "smallint",
        NpgsqlDbType.Text => "text",
        NpgsqlDbType.Boolean => "boolean",
        NpgsqlDbType.TimestampTz => "timestamptz",
        NpgsqlDbType.Bytea => "bytea",
        NpgsqlDbType.Date => "date",
        _ => throw new NotSupportedException($"No name for {type}."),
    };

    protected NpgsqlDbType Type => type;

    public abstract NpgsqlParameter Parameter(IReadOnlyList<TRow> rows);

    public abstract NpgsqlParameter Parameter(TRow row);

    /// <summary>Null, zero or false: what the database fills in where the column is left out.</summary>
    public abstract bool IsEmpty(TRow row);

    public abstract bool IsSame(TRow one, TRow other);

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
            for (var i = 0; i < values.Length; i++) values[i] = Value(rows[i]);
            return new NpgsqlParameter<TValue[]> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | Type };
        }

        public override NpgsqlParameter Parameter(TRow row) => new NpgsqlParameter<TValue> { TypedValue = Value(row), NpgsqlDbType = Type };

        /// <summary>PostgreSQL's text holds no zero byte, and one such word must not cost a batch.</summary>
        TValue Value(TRow row) =>
            read(row) is var value && value is string text && text.Contains('\0', StringComparison.Ordinal) ? (TValue)(object)text.Replace('\0', '\uFFFD') : value;

        public override bool IsEmpty(TRow row) => EqualityComparer<TValue>.Default.Equals(read(row), default);

        public override bool IsSame(TRow one, TRow other) => EqualityComparer<TValue>.Default.Equals(read(one), read(other));

        public override Column<TOuter> From<TOuter>(Func<TOuter, TRow> inner) => Of(Name, Type, (TOuter outer) => read(inner(outer)));
    }
}

/// <summary>One statement for any number of rows: every column is an array parameter, so the text stays the same and prepared. A row that comes alone has a
/// text of its own, for arrays of one cost more than what is in them. Parts of the columns in which no row says anything are left out; a statement of
/// n parts has two to the n texts, twice.</summary>
/// <param name="sql">The statement with these columns, and where its rows come from.</param>
/// <param name="says">Whether a row says something in a column of a part.</param>
sealed class RowSet<TRow>(Func<Column<TRow>[], string, string> sql, Column<TRow>[] always, Column<TRow>[][] parts, Func<Column<TRow>, TRow, bool> says)
{
    readonly (string One, string Many, Column<TRow>[] Columns)[] texts =
        [.. Enumerable.Range(0, 1 << parts.Length).Select(which => Of(sql, [.. always, .. parts.Where((_, i) => (which & 1 << i) != 0).SelectMany(part => part)]))];

    /// <summary>The columns that may be left out.</summary>
    public IEnumerable<string> Optional => parts.SelectMany(part => part).Select(column => column.Name);

    /// <summary>Adds the statement to the batch when there is a row.</summary>
    public void Add(NpgsqlBatch batch, IReadOnlyList<TRow> rows)
    {
        if (rows.Count == 0) return;
        var which = 0;
        for (var i = 0; i < parts.Length; i++)
            if (Says(parts[i], rows)) which |= 1 << i;
        var (one, many, columns) = texts[which];
        var command = new NpgsqlBatchCommand(rows.Count == 1 ? one : many);
        foreach (var column in columns) command.Parameters.Add(rows.Count == 1 ? column.Parameter(rows[0]) : column.Parameter(rows));
        batch.BatchCommands.Add(command);
    }

    bool Says(Column<TRow>[] part, IReadOnlyList<TRow> rows)
    {
        for (var i = 0; i < rows.Count; i++)
            foreach (var column in part)
                if (says(column, rows[i])) return true;
        return false;
    }

    static (string, string, Column<TRow>[]) Of(Func<Column<TRow>[], string, string> sql, Column<TRow>[] columns)
    {
        var names = string.Join(", ", columns.Select(c => c.Name));
        return (sql(columns, $"(values ({Parameters(columns, "")})) u ({names})"), sql(columns, $"unnest({Parameters(columns, "[]")}) u ({names})"), columns);
    }

    static string Parameters(Column<TRow>[] columns, string array) => string.Join(", ", columns.Select((c, i) => $"${i + 1}::{c.SqlType}{array}"));
}

static class RowSet
{
    /// <param name="extra">A column that the database fills in, and with what.</param>
    public static RowSet<TRow> Insert<TRow>(string table, Column<TRow>[] columns, string? extra = null, string? with = null) => new(
        (all, rows) => $"insert into {table} ({Names(all)}{(extra is null ? "" : ", " + extra)}) " +
        $"select u.*{(with is null ? "" : ", " + with)} from {rows}", columns, [], Never);

    /// <param name="parts">Columns whose default in the database is null, zero or false.</param>
    public static RowSet<TRow> Insert<TRow>(string table, Column<TRow>[] always, params Column<TRow>[][] parts) => new(
        (all, rows) => $"insert into {table} ({Names(all)}) select u.* from {rows}", always, parts, (column, row) => !column.IsEmpty(row));

    public static RowSet<TRow> Update<TRow>(string table, Column<TRow>[] key, Column<TRow>[] columns) => Update(table, key, row => row, columns);

    /// <param name="was">The row as it is in the database. A part in which nothing differs is left out.</param>
    public static RowSet<TRow> Update<TRow>(string table, Column<TRow>[] key, Func<TRow, TRow> was, Column<TRow>[] always, params Column<TRow>[][] parts) => new(
        (all, rows) => $"update {table} t set {string.Join(", ", all[key.Length..].Select(c => $"{c.Name} = u.{c.Name}"))} " +
        $"from {rows} where {string.Join(" and ", key.Select(c => $"t.{c.Name} = u.{c.Name}"))}",
        [.. key, .. always], parts, (column, row) => !column.IsSame(row, was(row)));

    /// <summary>A statement of its own kind, in which <c>{rows} u</c> stands for the rows.</summary>
    public static RowSet<TRow> Sql<TRow>(string sql, Column<TRow>[] columns) => new(
        (_, rows) => sql.Replace("{rows} u", rows, StringComparison.Ordinal), columns, [], Never);

    static bool Never<TRow>(Column<TRow> column, TRow row) => false;

    static string Names<TRow>(Column<TRow>[] columns) => string.Join(", ", columns.Select(c => c.Name));
}
