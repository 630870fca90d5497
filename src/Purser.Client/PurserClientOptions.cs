namespace Purser.Client;

/// <summary>Where Purser is, who asks, and how patiently.</summary>
public sealed record PurserClientOptions
{
    /// <summary>Purser's address, such as <c>https://pay.example.com</c>. May be left out when the <see cref="HttpClient"/> has its <see cref="HttpClient.BaseAddress"/>.</summary>
    public Uri? Address { get; set; }

    /// <summary>A secret key, <c>sk_...</c>. It belongs in the backend's configuration, never in a page.</summary>
    public string SecretKey { get; set; } = "";

    /// <summary>How often one call is tried at most when the network fails or the server is busy. 1 never repeats.</summary>
    public int MostAttempts { get; set; } = 4;

    /// <summary>The pause after the first failure; it doubles with each further one, and up to half of it is taken off by chance.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest pause. A server that asks for a longer one by <c>Retry-After</c> is not asked again by this call.</summary>
    public TimeSpan LongestPause { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>The clock that pauses are measured by.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;
}
