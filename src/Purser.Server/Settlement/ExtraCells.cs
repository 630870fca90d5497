using System.Text.Json;
using Purser.Server.Engine;

namespace Purser.Server.Settlement;

/// <summary>Cells of columns that a gateway's reading does not know, as they are stored: a JSON array of names and texts by turns, in the order of the file.</summary>
static class ExtraCells
{
    /// <returns>Null for none.</returns>
    public static string? Text(IReadOnlyList<KeyValuePair<string, string>> cells) => cells.Count == 0 ? null : RowJson.Text(json =>
    {
        json.WriteStartArray();
        foreach (var (column, text) in cells)
        {
            json.WriteStringValue(column);
            json.WriteStringValue(text);
        }
        json.WriteEndArray();
    });

    public static IReadOnlyList<KeyValuePair<string, string>> Read(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(cell => cell.GetString()!).Chunk(2).Select(pair => KeyValuePair.Create(pair[0], pair[1]))];
    }
}
