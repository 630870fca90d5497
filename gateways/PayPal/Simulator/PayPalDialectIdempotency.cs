using System.Security.Cryptography;

namespace Purser.Sandbox.PayPal;

// Request ids: a repetition is answered with what the first request made, as it is by now.
public sealed partial class PayPalDialect
{
    /// <param name="Name">What was made, by which it is found again; null when nothing was, and then the key is free.</param>
    readonly record struct Made(Reply Reply, string? Name = null);

    async Task<Reply> Once(Call call, TimeSpan memory, Func<Made> execute, Func<string, Reply> latest)
    {
        if (call.Header("PayPal-Request-Id") is not { Length: > 0 } id) return await Working(call, () => execute().Reply);
        var key = $"{call.Path}|{id}";
        var mine = new PayPalKey(Convert.ToHexString(SHA256.HashData(call.Body)), world.Now + memory);
        while (true)
        {
            var first = vault.Keys.GetOrAdd(key, mine);
            if (first == mine) break;
            if (first.Until <= world.Now)
            {
                vault.Keys.TryRemove(new(key, first));
                continue;
            }

            if (first.Body != mine.Body && Setting("same_key_other_body", "error") == "error")
                return PayPalDialectRules.Unprocessable("DUPLICATE_REQUEST_ID", "The value of PayPal-Request-Id header has already been used.");
            return first.Name is { } made ? latest(made)
                : PayPalDialectRules.Error(409, "RESOURCE_CONFLICT", "The server has detected a conflict while processing this request.",
                    "PREVIOUS_REQUEST_IN_PROGRESS", "A previous request on this resource is currently in progress. Please wait for some time and try again.");
        }

        try
        {
            await call.Work();
            var (reply, name) = execute();
            mine.Name = name;
            return reply;
        }
        finally
        {
            if (mine.Name is null) vault.Keys.TryRemove(new(key, mine));
        }
    }
}

sealed class PayPalKey(string body, DateTimeOffset until)
{
    volatile string? name;

    public string Body => body;

    public DateTimeOffset Until => until;

    public string? Name
    {
        get => name;
        set => name = value;
    }
}
