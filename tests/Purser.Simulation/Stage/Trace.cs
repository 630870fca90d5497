using System.Runtime.CompilerServices;

namespace Purser.Simulation;

/// <summary>What happened, as one number that two equal runs share, and as lines when somebody wants to read them.</summary>
sealed class Trace(SimulatedTime time, bool records)
{
    ulong hash = 14695981039346656037;

    public ulong Hash => hash;

    public bool Records => records;

    public List<(int Order, DateTimeOffset At, string Text)> Lines { get; } = [];

    public void Mix(int order, long a, long b = 0)
    {
        Add((ulong)time.Ticks);
        Add((ulong)order << 40 ^ (ulong)a << 20 ^ (ulong)b);
    }

    /// <summary>The text is put together only when somebody reads it.</summary>
    public void Tell(int order, [InterpolatedStringHandlerArgument("")] ref Text text)
    {
        if (records) Lines.Add((order, time.GetUtcNow(), text.Read()));
    }

    [InterpolatedStringHandler]
    public ref struct Text
    {
        DefaultInterpolatedStringHandler inner;

        public Text(int literalLength, int formattedCount, Trace trace, out bool wanted)
        {
            wanted = trace.Records;
            if (wanted) inner = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
        }

        public void AppendLiteral(string value) => inner.AppendLiteral(value);

        public void AppendFormatted<T>(T value, string? format = null) => inner.AppendFormatted(value, format);

        public string Read() => inner.ToStringAndClear();
    }

    void Add(ulong value) => hash = Chance.Mix(hash ^ value);
}
