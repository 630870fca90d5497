using System.Collections.Immutable;
using System.Text.Json;
using Purser.Payments;

namespace Purser.Server.Engine;

/// <summary>A payment's disputes and reversals as they stand in its row.</summary>
static class DisputeJson
{
    public static string Write(ImmutableArray<Dispute> disputes) => RowJson.Text(json =>
    {
        json.WriteStartArray();
        foreach (var d in disputes)
        {
            json.WriteStartObject();
            json.WriteString("reference", d.Reference);
            json.WriteNumber("state", (int)d.State);
            if (d.GatewayName is { } name) json.WriteString("gateway_name", name);
            RowJson.Write(json, "taken", d.Taken);
            json.WriteString("told_at", d.ToldAt);
            if (d.TakenRow is { } taken) json.WriteString("taken_row", taken);
            if (d.Returned is { } returned) RowJson.Write(json, "returned", returned);
            if (d.ReturnedRow is { } back) json.WriteString("returned_row", back);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<Dispute> Read(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(d => new Dispute(d.GetProperty("reference").GetString()!, (DisputeState)d.GetProperty("state").GetInt32())
        {
            GatewayName = Find(d, "gateway_name"),
            Taken = RowJson.ReadMoney(d, "taken")!.Value,
            ToldAt = d.GetProperty("told_at").GetDateTimeOffset(),
            TakenRow = Find(d, "taken_row"),
            Returned = RowJson.ReadMoney(d, "returned"),
            ReturnedRow = Find(d, "returned_row"),
        })];

        static string? Find(JsonElement d, string name) => d.TryGetProperty(name, out var value) ? value.GetString() : null;
    }

    public static string Write(ImmutableArray<Reversal> reversals) => RowJson.Text(json =>
    {
        json.WriteStartArray();
        foreach (var r in reversals)
        {
            json.WriteStartObject();
            json.WriteString("reference", r.MoneyReference);
            if (r.Booked is { } booked) RowJson.Write(json, "booked", booked);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public static ImmutableArray<Reversal> ReadReversals(string text)
    {
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(r => new Reversal(r.GetProperty("reference").GetString()!, RowJson.ReadMoney(r, "booked")))];
    }
}
