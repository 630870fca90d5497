using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Purser.Server.Keys;

/// <summary>API keys: drawn here, shown once, kept as hashes. Asking who a key belongs to costs a round trip every few seconds and not on
/// every request; a revoked key stops working within <see cref="Remembered"/>.</summary>
public sealed class ApiKeys(ApiKeyStore store, TimeProvider time)
{
    public const string SecretPrefix = "sk_";
    public const string PublishablePrefix = "pk_";

    /// <summary>How long an answer of the database is believed.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(3);

    const int LongestName = 100;
    const int KeyBytes = 32;
    const int HintLetters = 10;
    static readonly int KeyLetters = SecretPrefix.Length + KeyBytes * 2;

    /// <summary>A stranger who tries keys must not fill our memory.</summary>
    internal const int MostRemembered = 10_000;

    readonly ConcurrentDictionary<string, Answer> answers = new(StringComparer.Ordinal);
    volatile OriginAnswer origins = new(Task.FromResult<IReadOnlySet<string>>(new HashSet<string>()), DateTimeOffset.MinValue);

    /// <param name="Was">It was a key the last time; a database that is away makes no stranger of its owner.</param>
    sealed record Answer(Task<ApiKey?> Key, DateTimeOffset AskedAt, bool Was)
    {
        public bool IsNobody => Key.IsCompletedSuccessfully ? Key.Result is null : Key.IsCompleted && !Was;
    }

    sealed record OriginAnswer(Task<IReadOnlySet<string>> All, DateTimeOffset AskedAt);

    /// <summary>Draws a key. The text is not kept anywhere; whoever loses it makes a new one.</summary>
    /// <param name="origins">The pages that may use a publishable key; none for a secret one.</param>
    /// <param name="person">Whose key it is, and nobody else's: who decides what is decided with it; of a secret one only.</param>
    public async Task<(string Key, ApiKey Listed)> Create(
        string name, KeyKind kind, IReadOnlyList<string>? origins = null, string? person = null, CancellationToken stop = default)
    {
        if (!IsLine(name)) throw new ArgumentException($"A key's name is one line of 1 to {LongestName} characters.", nameof(name));
        if (person is not null && !IsLine(person)) throw new ArgumentException($"A person's name is one line of 1 to {LongestName} characters.", nameof(person));
        if (person is not null && string.Equals(person.Trim(), "purser", StringComparison.OrdinalIgnoreCase))
            throw new ArgumentException("'purser' is the program, and not a person.", nameof(person));
        if (person is not null && kind == KeyKind.Publishable)
            throw new ArgumentException("A publishable key is every visitor's, and nobody decides anything with it: it has no person.", nameof(person));
        var allowed = (origins ?? []).Select(Origin).ToList();
        if (kind == KeyKind.Secret && allowed.Count > 0)
            throw new ArgumentException("A secret key has no origins: it must never be in a browser.", nameof(origins));
        var key = (kind == KeyKind.Secret ? SecretPrefix : PublishablePrefix) + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));
        return (key, await store.Add(name.Trim(), kind, Hash(key), key[..HintLetters], allowed, person?.Trim(), stop));
    }

    public Task<IReadOnlyList<ApiKey>> List(CancellationToken stop = default) => store.List(stop);

    /// <summary>False when there is no such key, or it was revoked before.</summary>
    public Task<bool> Revoke(int id, CancellationToken stop = default) => store.Revoke(id, stop);

    /// <summary>Answers in memory.</summary>
    internal int Held => answers.Count;

    /// <summary>Whether <see cref="Find"/> would ask the database about a key that was not seen to be one: what a stranger can make us do as
    /// often as they invent keys. A key that was one is looked at again every few seconds at its owner's expense.</summary>
    public bool AsksFor(string key) =>
        MayBeKey(key) && !(answers.TryGetValue(Convert.ToHexString(Hash(key)), out var known) && (!known.IsNobody || IsFresh(known)));

    /// <summary>Whose key it is; null when nobody's.</summary>
    public async ValueTask<ApiKey?> Find(string key)
    {
        if (!MayBeKey(key)) return null;
        var hash = Hash(key);
        var name = Convert.ToHexString(hash);
        if (answers.TryGetValue(name, out var known) && IsFresh(known)) return await known.Key;

        if (answers.Count >= MostRemembered) Forget();
        // One question for all who ask at once. Nobody's going away may end it for the others.
        var asked = new Answer(store.Find(hash, CancellationToken.None), time.GetUtcNow(), known is { IsNobody: false });
        answers[name] = asked;
        return await asked.Key;
    }

    static bool IsLine(string text) => !string.IsNullOrWhiteSpace(text) && text.Length <= LongestName && !text.Any(char.IsControl);

    static bool MayBeKey(string key) => key.Length == KeyLetters
        && (key.StartsWith(SecretPrefix, StringComparison.Ordinal) || key.StartsWith(PublishablePrefix, StringComparison.Ordinal));

    bool IsFresh(Answer answer) => time.GetUtcNow() - answer.AskedAt < Remembered && !answer.Key.IsFaulted;

    /// <summary>What strangers tried goes; the keys of those who belong here stay, or trying keys would turn them into strangers.</summary>
    void Forget()
    {
        foreach (var (name, answer) in answers)
            if (answer.IsNobody) answers.TryRemove(name, out _);
    }

    /// <summary>Whether pages of this origin may use some publishable key: all that a browser's preflight can be told, for it sends no key.</summary>
    public async ValueTask<bool> Allows(string origin)
    {
        var now = time.GetUtcNow();
        var known = origins;
        // One question for all who ask at once.
        if (now - known.AskedAt >= Remembered || known.All.IsFaulted) origins = known = new OriginAnswer(store.Origins(CancellationToken.None), now);
        return (await known.All).Contains(origin);
    }

    static string Origin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.AbsolutePath == "/" && uri is { Query: "", UserInfo: "" }
            ? uri.GetLeftPart(UriPartial.Authority)
            : throw new ArgumentException($"'{text}' is no origin; it looks like https://shop.example.", nameof(text));

    static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
