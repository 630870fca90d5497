using Npgsql;
using NpgsqlTypes;

namespace Purser.Server.Keys;

public enum KeyKind { Secret, Publishable }

/// <summary>An API key as it is listed: never the key itself.</summary>
/// <param name="Hint">Its first letters, to tell keys apart.</param>
/// <param name="Origins">The pages that may use a publishable key: <c>https://shop.example</c>.</param>
public sealed record ApiKey(
    int Id, string Name, KeyKind Kind, string Hint, IReadOnlyList<string> Origins, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt)
{
    /// <summary>Whose key it is: who decides what is decided with it. Null for a key of a program, whose callers name themselves.</summary>
    public string? Person { get; init; }
}

/// <summary>API keys in the database, by their hashes.</summary>
public sealed class ApiKeyStore(NpgsqlDataSource database)
{
    const string Columns = "id, name, kind, hint, origins, created_at, revoked_at, person";

    public async Task<ApiKey> Add(string name, KeyKind kind, byte[] hash, string hint, IReadOnlyList<string> origins, string? person, CancellationToken stop)
    {
        await using var add = database.CreateCommand(
            $"insert into api_keys (name, kind, hash, hint, origins, person, created_at) values ($1, $2, $3, $4, $5, $6, clock_timestamp()) returning {Columns}");
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        add.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)kind });
        add.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = hint });
        add.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. origins], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        add.Parameters.Add(new NpgsqlParameter { Value = (object?)person ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        await using var rows = await add.ExecuteReaderAsync(stop);
        await rows.ReadAsync(stop);
        return Read(rows);
    }

    public async Task<IReadOnlyList<ApiKey>> List(CancellationToken stop)
    {
        await using var list = database.CreateCommand($"select {Columns} from api_keys order by id");
        var keys = new List<ApiKey>();
        await using var rows = await list.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) keys.Add(Read(rows));
        return keys;
    }

    /// <summary>The key with this hash, unless it was revoked.</summary>
    public async Task<ApiKey?> Find(byte[] hash, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns} from api_keys where hash = $1 and revoked_at is null");
        find.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        await using var rows = await find.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? Read(rows) : null;
    }

    /// <summary>Every origin that some active key allows.</summary>
    public async Task<IReadOnlySet<string>> Origins(CancellationToken stop)
    {
        await using var list = database.CreateCommand("select distinct unnest(origins) from api_keys where revoked_at is null");
        var origins = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        await using var rows = await list.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop)) origins.Add(rows.GetString(0));
        return origins;
    }

    /// <summary>False when there is no such key, or it was revoked before.</summary>
    public async Task<bool> Revoke(int id, CancellationToken stop)
    {
        await using var revoke = database.CreateCommand("update api_keys set revoked_at = clock_timestamp() where id = $1 and revoked_at is null");
        revoke.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id });
        return await revoke.ExecuteNonQueryAsync(stop) == 1;
    }

    static ApiKey Read(NpgsqlDataReader r) => new(
        r.GetInt32(0), r.GetString(1), (KeyKind)r.GetInt16(2), r.GetString(3), r.GetFieldValue<string[]>(4), r.GetFieldValue<DateTimeOffset>(5),
        r.IsDBNull(6) ? null : r.GetFieldValue<DateTimeOffset>(6))
    { Person = r.IsDBNull(7) ? null : r.GetString(7) };
}
