using Microsoft.Extensions.Logging;

namespace Purser.Simulation;

/// <summary>Production code tells of its own bugs only in its log: an exception there is a violation.</summary>
sealed class WatchingLog(World world)
{
    public ILogger<T> Of<T>() => new Watching<T>(world);

    sealed class Watching<T>(World world) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not null and not BrokenReleaseException) world.Auditor.Broken("no bug", -1, $"{formatter(state, exception)}: {exception}");
        }
    }
}
