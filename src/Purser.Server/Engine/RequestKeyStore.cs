using Npgsql;

namespace Purser.Server.Engine;

/// <summary>Idempotency-Keys of requests that the engine has no part in.</summary>
static class RequestKeyStore
{
    /// <summary>Takes the key for this resource, or says what it was used for. Another request with the same key waits here until the first one ends.</summary>
    public static async Task<StoredKey?> Claim(NpgsqlConnection connection, RequestKey key, string resource, CancellationToken stop)
    {
        await using var claim = new NpgsqlCommand("""
            insert into request_keys (api_key_id, key, fingerprint, resource, created_at) values ($1, $2, $3, $4, clock_timestamp())
            on conflict (api_key_id, key) do nothing
            """, connection);
        claim.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.ApiKeyId });
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
        claim.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.Fingerprint });
        claim.Parameters.Add(new NpgsqlParameter<string> { TypedValue = resource });
        return await claim.ExecuteNonQueryAsync(stop) == 1 ? null : await Find(connection, key, stop);
    }

    /// <summary>What the key was used for, if it was.</summary>
    public static async Task<StoredKey?> Find(NpgsqlConnection connection, RequestKey key, CancellationToken stop)
    {
        await using var find = new NpgsqlCommand("select fingerprint, resource from request_keys where api_key_id = $1 and key = $2", connection);
        find.Parameters.Add(new NpgsqlParameter<int> { TypedValue = key.ApiKeyId });
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.Key });
        await using var rows = await find.ExecuteReaderAsync(stop);
        return await rows.ReadAsync(stop) ? new StoredKey(rows.GetFieldValue<byte[]>(0), rows.GetString(1)) : null;
    }
}
