using Purser.Orders;

namespace Purser.Gateways.Tests.Contract;

/// <summary>Changes a genuine webhook byte by byte, and looks for one that is still believed and says something else. Of each byte of the body two bits are
/// turned: the one that makes a capital letter of a small one, which careless comparing forgives, and one of the others in turn.</summary>
public static class Tampering
{
    /// <param name="headers">The headers that are part of the signature scheme.</param>
    public static void ShouldBeNoticed(IGateway gateway, GatewayAccount account, RawMessage message, params string[] headers)
    {
        var said = Told(gateway, account, message).ShouldNotBeNull("The untouched message must be genuine.");
        var body = message.Body.ToArray();
        for (var i = 0; i < body.Length; i++)
            foreach (var bit in Bits(i))
            {
                var changed = (byte[])body.Clone();
                changed[i] ^= (byte)(1 << bit);
                Told(gateway, account, message with { Body = changed }).ShouldBeNull($"Bit {bit} of byte {i} was changed.");
            }
        for (var length = 0; length < body.Length; length++)
            Told(gateway, account, message with { Body = body.AsMemory(0, length) }).ShouldBeNull($"Cut after {length} bytes.");
        Told(gateway, account, message with { Body = (byte[])[.. body, (byte)' '] }).ShouldBeNull("One blank was added.");

        foreach (var header in headers)
        {
            var value = message.Header(header)!;
            for (var i = 0; i < value.Length; i++)
                for (var bit = 0; bit < 8; bit++)
                {
                    var changed = value.ToCharArray();
                    changed[i] ^= (char)(1 << bit);
                    // What surrounds a signature may change without harm, as long as nothing else is said.
                    var told = Told(gateway, account, With(message, header, new string(changed)));
                    if (told is not null) told.ShouldBe(said, $"Bit {bit} of character {i} of {header} was changed.");
                }
            Told(gateway, account, With(message, header, null)).ShouldBeNull($"{header} was taken away.");
            Told(gateway, account, With(message, header, "")).ShouldBeNull($"{header} was emptied.");
        }
    }

    /// <summary>For webhooks that only lead to an inquiry: no change of a bit makes one that proves anything, or that throws.</summary>
    public static void ShouldNeverProve(IGateway gateway, GatewayAccount account, RawMessage message)
    {
        var body = message.Body.ToArray();
        for (var i = 0; i < body.Length; i++)
            foreach (var bit in Bits(i))
            {
                var changed = (byte[])body.Clone();
                changed[i] ^= (byte)(1 << bit);
                NeverProves(message with { Body = changed }, $"Bit {bit} of byte {i} was changed.");
            }
        for (var length = 0; length < body.Length; length++) NeverProves(message with { Body = body.AsMemory(0, length) }, $"Cut after {length} bytes.");
        foreach (var header in message.Headers.Keys) NeverProves(With(message, header, null), $"{header} was taken away.");

        void NeverProves(RawMessage changed, string how)
        {
            if (gateway.ReadWebhook(changed, account) is NewsReading.Genuine news) news.ProvesAmount.ShouldBeFalse(how);
        }
    }

    static int[] Bits(int place) => place % 8 == 5 ? [5] : [5, place % 8];

    static RawMessage With(RawMessage message, string header, string? value)
    {
        var headers = new Dictionary<string, string>(message.Headers, StringComparer.OrdinalIgnoreCase);
        if (value is null) headers.Remove(header);
        else headers[header] = value;
        return message with { Headers = headers };
    }

    /// <summary>What a genuine message says; null for any other.</summary>
    static string? Told(IGateway gateway, GatewayAccount account, RawMessage message) =>
        gateway.ReadWebhook(message, account) is NewsReading.Genuine news
            ? $"{news.EventType} {news.Payment} {news.ProvesAmount} {string.Join("; ", news.Facts.Select(f => f.ToString()))}"
            : null;
}
