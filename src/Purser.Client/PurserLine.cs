using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Purser.Client;

/// <summary>One call over HTTP: it carries the key, repeats what may be repeated, and reads answers and problems. Every POST has an Idempotency-Key, the same at
/// each attempt, so a repetition after a lost answer cannot do a thing twice.</summary>
sealed class PurserLine
{
    /// <summary>Before a problem's name, in its type.</summary>
    const string Problems = "/problems/";

    readonly HttpClient http;
    readonly PurserClientOptions options;
    readonly Uri address;
    readonly AuthenticationHeaderValue key;

    public PurserLine(HttpClient http, PurserClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(options);
        if (string.IsNullOrWhiteSpace(options.SecretKey)) throw new ArgumentException("SecretKey is empty; 'purser keys create' makes one.", nameof(options));
        if (options.MostAttempts < 1) throw new ArgumentException("MostAttempts is less than 1.", nameof(options));
        (this.http, this.options) = (http, options);
        address = options.Address ?? http.BaseAddress ?? throw new ArgumentException("Address is missing: where Purser is, such as https://pay.example.com.", nameof(options));
        // A base without its last slash would lose its last segment.
        if (!address.AbsoluteUri.EndsWith('/')) address = new Uri(address.AbsoluteUri + "/");
        key = new AuthenticationHeaderValue("Bearer", options.SecretKey.Trim());
    }

    public TimeProvider Time => options.Time;

    public Task<T> Get<T>(string path, JsonTypeInfo<T> answer, CancellationToken stop) => Send(HttpMethod.Get, path, null, null, answer, stop);

    /// <summary>Without a body when it is null. The key is the caller's own, or made by <see cref="KeyOf"/> or <see cref="NewKey"/>.</summary>
    public Task<T> Post<T>(string path, byte[]? body, string key, JsonTypeInfo<T> answer, CancellationToken stop) =>
        Send(HttpMethod.Post, path, body, key, answer, stop);

    public Task<T> Send<T>(HttpMethod method, string path, byte[]? body, string? key, JsonTypeInfo<T> answer, CancellationToken stop) =>
        Repeat(() => Once(method, path, body, key, answer, stop), key, stop);

    /// <summary>A PDF, held whole: one that breaks off on the way is asked for again before anybody has seen half of it.</summary>
    public async Task<Stream> Pdf(string path, CancellationToken stop) => new MemoryStream(await Repeat(async () =>
    {
        var content = await Exchange(HttpMethod.Get, path, null, null, "application/pdf", stop);
        return content.AsSpan().StartsWith("%PDF-"u8) ? content : throw new PurserUnreachableException($"GET {path}: the answer is no PDF.", new InvalidDataException());
    }, null, stop), writable: false);

    async Task<T> Repeat<T>(Func<Task<T>> once, string? key, CancellationToken stop)
    {
        var earlier = false;
        for (var attempt = 1; ; attempt++)
        {
            PurserException failure;
            try
            {
                return await once();
            }
            catch (PurserException e)
            {
                (e.Key, e.Earlier) = (key, earlier);
                earlier = e.MayHaveHappened;
                if (attempt >= options.MostAttempts || !MayPass(e)) throw;
                failure = e;
            }
            await Pause(attempt, failure, stop);
        }
    }

    /// <summary>One attempt.</summary>
    public async Task<T> Once<T>(HttpMethod method, string path, byte[]? body, string? key, JsonTypeInfo<T> answer, CancellationToken stop)
    {
        var text = await Exchange(method, path, body, key, "application/json", stop);
        try
        {
            return JsonSerializer.Deserialize(text, answer) ?? throw new JsonException("The answer is null.");
        }
        catch (JsonException e)
        {
            throw new PurserUnreachableException($"{method} {path}: the answer is not Purser's. {e.Message}", e);
        }
    }

    async Task<byte[]> Exchange(HttpMethod method, string path, byte[]? body, string? key, string accept, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(method, new Uri(address, path));
        request.Headers.Authorization = this.key;
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await http.SendAsync(request, stop);
            var content = await response.Content.ReadAsByteArrayAsync(stop);
            return response.IsSuccessStatusCode ? content : throw Problem(response, content);
        }
        catch (HttpRequestException e)
        {
            throw new PurserUnreachableException($"{method} {path}: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            throw new PurserUnreachableException($"{method} {path}: no answer in time.", e);
        }
    }

    /// <summary>Whether the same call may fare better in a while.</summary>
    public bool MayPass(PurserException failure) => failure switch
    {
        PurserUnreachableException { InnerException: not (JsonException or InvalidDataException) } => true,
        PurserProblemException { Status: 408 or 429 or 502 or 503 or 504 } p => p.RetryAfter is null || p.RetryAfter <= options.LongestPause,
        _ => false,
    };

    /// <summary>After so many failures in a row.</summary>
    public Task Pause(int failures, PurserException failure, CancellationToken stop)
    {
        var longest = Math.Min(options.LongestPause.TotalMilliseconds, options.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 30)));
        // Chance keeps many callers from coming back in the same moment.
        var wait = TimeSpan.FromMilliseconds(longest * RandomNumberGenerator.GetInt32(500, 1001) / 1000);
        if (failure is PurserProblemException { RetryAfter: { } asked } && asked > wait) wait = asked;
        return Task.Delay(wait, options.Time, stop);
    }

    /// <summary>A key made of what is asked for: the same again, even from another process, is the same request.</summary>
    public static string KeyOf(string path, ReadOnlySpan<byte> content) =>
        Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes($"POST {path}\n"), .. content]))[..40];

    /// <summary>A key for one call and its repetitions, where the same content again is a new wish.</summary>
    public static string NewKey() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    PurserProblemException Problem(HttpResponseMessage response, byte[] text)
    {
        var status = (int)response.StatusCode;
        ProblemBody? body = null;
        try
        {
            if (response.Content.Headers.ContentType?.MediaType == "application/problem+json") body = JsonSerializer.Deserialize(text, PurserJson.Default.ProblemBody);
        }
        catch (JsonException)
        {
            // Cut off on the way: the status still says something.
        }
        // Others write problems, too; theirs say nothing of what Purser did.
        if (body?.Type?.Contains(Problems, StringComparison.Ordinal) is not true) body = null;
        var detail = body?.Detail ?? $"The answer has status {status} and is not Purser's.";
        return new PurserProblemException(
            body?.Type!.Split(Problems)[^1], body?.Title ?? response.ReasonPhrase ?? "", status, detail,
            $"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri?.AbsolutePath}: {detail}{(body?.Remedy is { } remedy ? " " + remedy : "")}")
        {
            Field = body?.Field,
            Remedy = body?.Remedy,
            Resource = body?.Resource,
            TraceId = body?.TraceId,
            Errors = body?.Errors ?? [],
            RetryAfter = RetryAfter(response.Headers.RetryAfter),
        };
    }

    TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - options.Time.GetUtcNow() is { } wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
        _ => null,
    };
}
