using System.Security.Cryptography;
using Npgsql;

namespace Purser.Server.Platform;

/// <summary>Secrets that an installation draws for itself, once, and shares among its nodes.</summary>
public sealed class InstallationStore(NpgsqlDataSource database)
{
    /// <summary>The key of this name, drawn by whoever asks first. Two nodes that ask at once get the same one: the second insert does nothing.</summary>
    public byte[] Key(string name, int bytes)
    {
        using var connection = database.OpenConnection();
        if (Read(connection, name) is { } known) return known;
        using (var draw = new NpgsqlCommand("insert into installation (name, value) values ($1, $2) on conflict (name) do nothing", connection))
        {
            draw.Parameters.AddWithValue(name);
            draw.Parameters.AddWithValue(RandomNumberGenerator.GetBytes(bytes));
            draw.ExecuteNonQuery();
        }
        return Read(connection, name) ?? throw new InvalidOperationException($"The installation's '{name}' vanished.");
    }

    static byte[]? Read(NpgsqlConnection connection, string name)
    {
        using var read = new NpgsqlCommand("select value from installation where name = $1", connection);
        read.Parameters.AddWithValue(name);
        return read.ExecuteScalar() as byte[];
    }
}
