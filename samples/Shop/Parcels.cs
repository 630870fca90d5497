namespace Shop;

/// <summary>The orders that were packed, one parcel each, in a file that survives a restart. In your shop it is a table with the order's id as its key.</summary>
sealed class Parcels(string path)
{
    readonly Lock door = new();
    readonly HashSet<string> packed = File.Exists(path) ? [.. File.ReadLines(path)] : [];

    /// <returns>Whether it is new: of two deliveries in one moment, and of two events about one order, one packs the parcel.</returns>
    public bool Add(string orderId)
    {
        lock (door)
        {
            if (packed.Contains(orderId)) return false;
            File.AppendAllLines(path, [orderId]); // First: what cannot be written is not packed, and the message comes again.
            return packed.Add(orderId);
        }
    }
}
