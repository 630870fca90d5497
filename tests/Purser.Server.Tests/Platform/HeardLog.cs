using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Purser.Server.Tests.Platform;

/// <summary>What a server or an engine wrote into its log, from the lowest level on.</summary>
public sealed class HeardLog : ILoggerProvider, ILogger
{
    readonly ConcurrentQueue<(LogLevel Level, string Words)> lines = [];

    public IEnumerable<(LogLevel Level, string Words)> Lines => lines;

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue((logLevel, formatter(state, exception)));

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Dispose() { }
}
