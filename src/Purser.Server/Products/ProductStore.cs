using Npgsql;
using NpgsqlTypes;
using Purser.Invoices;
using Purser.Server.Engine;
using Purser.Server.Orders;

namespace Purser.Server.Products;

/// <summary>Something that the merchant sells at a price of their own.</summary>
public sealed record Product(
    string Id, string Name, Money Price, string? Description, bool Active, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string? Hsn = null, TaxRate? TaxRate = null);

/// <summary>What became of a product that was to be added.</summary>
public abstract record Added
{
    Added() { }

    public sealed record Now(Product Product) : Added;

    /// <summary>A product has this id.</summary>
    public sealed record Exists(Product Product) : Added;

    /// <summary>This Idempotency-Key came before.</summary>
    public sealed record KeyUsed(StoredKey Key) : Added;
}

/// <summary>The merchant's products.</summary>
public sealed class ProductStore(NpgsqlDataSource database)
{
    const string Columns = "id, name, unit_amount, currency, description, active, created_at, updated_at, hsn, tax_basis_points";

    public async Task<IReadOnlyList<Product>> Find(string[] ids, CancellationToken stop)
    {
        await using var find = database.CreateCommand($"select {Columns} from products where id = any($1)");
        find.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        return await Read(find, stop);
    }

    public async Task<Product?> Find(string id, CancellationToken stop) => await Find([id], stop) is [var one] ? one : null;

    /// <summary>By id. One more than asked for tells that there are more.</summary>
    public async Task<IReadOnlyList<Product>> List(string? after, bool? active, int limit, CancellationToken stop)
    {
        await using var list = database.CreateCommand(
            $"select {Columns} from products where ($1::text is null or id > $1) and ($2::boolean is null or active = $2) order by id limit $3");
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        list.Parameters.Add(new NpgsqlParameter { Value = (object?)active ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean });
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        return await Read(list, stop);
    }

    /// <summary>Adds the product and keeps the Idempotency-Key in one commit.</summary>
    public async Task<Added> Add(Product product, RequestKey? key, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(stop);
        await using var transaction = await connection.BeginTransactionAsync(stop);
        if (key is not null && await RequestKeyStore.Claim(connection, key, product.Id, stop) is { } used) return new Added.KeyUsed(used);
        await using var add = new NpgsqlCommand(
            $"insert into products ({Columns}) values ($1, $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp(), $7, $8) on conflict (id) do nothing returning {Columns}",
            connection);
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = product.Id });
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = product.Name });
        add.Parameters.Add(new NpgsqlParameter<long> { TypedValue = product.Price.MinorUnits });
        add.Parameters.Add(new NpgsqlParameter<string> { TypedValue = product.Price.Currency.Code });
        add.Parameters.Add(new NpgsqlParameter { Value = (object?)product.Description ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        add.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = product.Active });
        add.Parameters.Add(new NpgsqlParameter { Value = (object?)product.Hsn ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        add.Parameters.Add(new NpgsqlParameter { Value = (object?)product.TaxRate?.BasisPoints ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        if (await Read(add, stop) is [var added])
        {
            await transaction.CommitAsync(stop);
            return new Added.Now(added);
        }
        // Nothing is kept of a request that came too late, its key neither.
        await transaction.RollbackAsync(stop);
        return new Added.Exists(await Find(product.Id, stop) ?? throw new InvalidOperationException($"The product '{product.Id}' vanished."));
    }

    /// <summary>Changes what is given and leaves the rest. Orders that were placed keep their prices.</summary>
    public async Task<Product?> Change(string id, ProductChange change, CancellationToken stop)
    {
        await using var update = database.CreateCommand($"""
            update products set name = coalesce($2, name), unit_amount = coalesce($3, unit_amount), description = coalesce($4, description),
                active = coalesce($5, active), hsn = coalesce($6, hsn), tax_basis_points = coalesce($7, tax_basis_points), updated_at = clock_timestamp()
            where id = $1 returning {Columns}
            """);
        update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        update.Parameters.Add(new NpgsqlParameter { Value = (object?)change.Name ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        update.Parameters.Add(new NpgsqlParameter { Value = (object?)change.UnitAmount ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        update.Parameters.Add(new NpgsqlParameter { Value = (object?)change.Description ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        update.Parameters.Add(new NpgsqlParameter { Value = (object?)change.Active ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Boolean });
        update.Parameters.Add(new NpgsqlParameter { Value = (object?)change.Hsn ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        update.Parameters.Add(new NpgsqlParameter { Value = (object?)TaxFields.Parsed(change.TaxRate)?.BasisPoints ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        return await Read(update, stop) is [var one] ? one : null;
    }

    static async Task<IReadOnlyList<Product>> Read(NpgsqlCommand command, CancellationToken stop)
    {
        var products = new List<Product>();
        await using var rows = await command.ExecuteReaderAsync(stop);
        while (await rows.ReadAsync(stop))
            products.Add(new Product(rows.GetString(0), rows.GetString(1), new Money(rows.GetInt64(2), Currency.Find(rows.GetString(3))),
                rows.IsDBNull(4) ? null : rows.GetString(4), rows.GetBoolean(5), rows.GetFieldValue<DateTimeOffset>(6), rows.GetFieldValue<DateTimeOffset>(7),
                rows.IsDBNull(8) ? null : rows.GetString(8), rows.IsDBNull(9) ? null : new TaxRate(rows.GetInt32(9))));
        return products;
    }
}
