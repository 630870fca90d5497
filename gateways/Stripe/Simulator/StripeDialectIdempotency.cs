using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Sandbox.Stripe;

/// <summary>Stripe's memory of keys: the first executed request with a key answers all later ones.</summary>
sealed class StripeDialectIdempotency(TimeProvider clock)
{
    /// <summary>Keys are forgotten after a day; then the same key makes a new object.</summary>
    static readonly TimeSpan Memory = TimeSpan.FromHours(24);

    /// <summary>After every so many requests the forgotten keys are swept out.</summary>
    const int SweepEvery = 500_000;

    readonly ConcurrentDictionary<string, Kept> kept = new();
    int written;

    public async Task<Reply> Once(string key, Call call, string requestId, Func<Task<Reply>> execute)
    {
        var fingerprint = Convert.ToHexString(SHA256.HashData(
            [.. Encoding.UTF8.GetBytes($"{call.Method} {call.Path}\n"), .. call.Body]));
        var now = clock.GetUtcNow();
        var mine = new Kept(fingerprint, requestId, now);
        while (true)
        {
            var first = kept.GetOrAdd(key, mine);
            if (first == mine) break;
            if (first.Reply is not null && now - first.At > Memory)
            {
                kept.TryUpdate(key, mine, first);
                if (kept.GetValueOrDefault(key) == mine) break;
                continue;
            }

            if (first.Fingerprint != fingerprint)
                return StripeDialectRules.Bad("Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    + $"Try using a key other than '{key}' if you meant to execute a different request.", type: "idempotency_error");
            if (first.Reply is not { } reply)
                return StripeDialectRules.Bad("There is currently another in-progress request using this Idempotency-Key (that probably means you submitted twice, "
                    + "and the other request is still going through).", code: "idempotency_key_in_use", status: 409, type: "idempotency_error");
            return reply with
            {
                Body = reply.Body?.DeepClone(),
                Headers = [.. reply.Headers, new("Idempotent-Replayed", "true"), new("Original-Request", first.RequestId)],
            };
        }

        try
        {
            var reply = await execute();
            // A request that failed validation was never executed and may be corrected under the same key.
            if (reply.Executed) mine.Reply = reply with { Body = reply.Body?.DeepClone() };
            return reply;
        }
        finally
        {
            if (mine.Reply is null) kept.TryRemove(new(key, mine));
            if (Interlocked.Increment(ref written) % SweepEvery == 0)
                foreach (var old in kept.Where(k => now - k.Value.At > Memory)) kept.TryRemove(old);
        }
    }

    sealed class Kept(string fingerprint, string requestId, DateTimeOffset at)
    {
        volatile Reply? reply;

        public string Fingerprint => fingerprint;

        public string RequestId => requestId;

        public DateTimeOffset At => at;

        public Reply? Reply
        {
            get => reply;
            set => reply = value;
        }
    }
}
