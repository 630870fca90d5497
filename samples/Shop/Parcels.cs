namespace Shop;

/// <summary>The events that were handled, one parcel each, in a file that survives a restart. In your shop it is a table with the event's id as its key.</summary>
sealed class Parcels(string path)
{
    readonly Lock door = new();
    readonly HashSet<string> handled = File.Exists(path) ? [.. File.ReadLines(path)] : [];

    /// <returns>Whether it is new: of two deliveries in one moment, one packs the parcel.</returns>
    public bool Add(string eventId)
    {
        lock (door)
        {
            if (!handled.Add(eventId)) return false;
            File.AppendAllLines(path, [eventId]);
            return true;
        }
    }
}
