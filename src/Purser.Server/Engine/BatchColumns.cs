using Npgsql;
using NpgsqlTypes;
using Purser.Orders;

namespace Purser.Server.Engine;

/// <summary>What a batch asks the database, as columns: an array for each, so that a statement's text is the same for one row and for hundreds.</summary>
static class BatchColumns
{
    public static void Add(this NpgsqlBatch batch, string sql, params Array[] arrays)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var array in arrays)
            command.Parameters.Add(array switch
            {
                long[] longs => new NpgsqlParameter<long[]> { TypedValue = longs, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
                int[] ints => new NpgsqlParameter<int[]> { TypedValue = ints, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer },
                byte[][] bytes => new NpgsqlParameter<byte[][]> { TypedValue = bytes, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea },
                string[] texts => new NpgsqlParameter<string[]> { TypedValue = texts, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                DateTime[] times => new NpgsqlParameter<DateTime[]> { TypedValue = times, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                TimeSpan[] spans => new NpgsqlParameter<TimeSpan[]> { TypedValue = spans, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Interval },
                _ => throw new ArgumentException($"No array of {array.GetType().Name}."),
            });
        batch.BatchCommands.Add(command);
    }

    /// <summary>The links or the money that the batch's facts name, and of which payments: as columns.</summary>
    public static Array[] Named(IReadOnlyList<EngineInput> batch, bool money)
    {
        var named = batch.SelectMany(i => i.Inputs.OfType<Evidence>(), (i, fact) => (i.Order, Fact: fact)).Where(f => f.Order is not null)
            .SelectMany(f => GatewayName.In(f.Fact, ""), (f, name) => (f.Order!.Value, f.Fact.Payment, Name: name)).Where(f => f.Name.IsMoney == money).ToArray();
        return [named.Select(n => n.Value.Value).ToArray(), named.Select(n => n.Payment).ToArray(), named.Select(n => n.Name.Reference).ToArray()];
    }
}
