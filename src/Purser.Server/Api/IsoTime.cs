using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Purser.Server.Api;

/// <summary>A moment as ISO 8601 writes it. What could be read in two ways is not guessed at.</summary>
static class IsoTime
{
    /// <summary>What to send instead.</summary>
    public const string Remedy = "Send a time such as 2026-03-01T10:00:00Z or 2026-03-01T15:30:00+05:30, or a date such as 2026-03-01.";

    static readonly string[] Forms =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mmzzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz",
    ];

    /// <param name="time">In UTC; of a date its beginning there.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out DateTimeOffset time)
    {
        var read = DateTimeOffset.TryParseExact(text, Forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
        time = time.ToUniversalTime();
        return read;
    }
}
