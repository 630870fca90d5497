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

    /// <summary>The names alone, as programs before this one read and write them.</summary>
    public static string Names(ImmutableArray<Reversal> reversals) => RowJson.Text(json =>
    {
        json.WriteStartArray();
        foreach (var r in reversals) json.WriteStringValue(r.MoneyReference);
        json.WriteEndArray();
    });

    /// <summary>How much of each is booked.</summary>
    public static string Write(ImmutableArray<Reversal> reversals) => RowJson.Text(json =>
    {
        json.WriteStartObject();
        foreach (var r in reversals) RowJson.Write(json, r.MoneyReference, r.Booked);
        json.WriteEndObject();
    });

    /// <summary>What an older program wrote has no amount: all of the money is booked, if it is known.</summary>
    public static ImmutableArray<Reversal> Read(string names, string? booked, ImmutableArray<Capture> captures)
    {
        using var list = JsonDocument.Parse(names);
        using var amounts = JsonDocument.Parse(booked ?? "{}");
        return [.. list.RootElement.EnumerateArray().Select(n => n.GetString()!)
            .Select(name => new Reversal(name, RowJson.ReadMoney(amounts.RootElement, name) ?? captures.FirstOrDefault(c => c.MoneyReference == name)?.Amount))];
    }
}
