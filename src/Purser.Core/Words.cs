using System.Text;

namespace Purser;

/// <summary>Words from outside, made fit to be kept: any database takes them, and none is longer than anybody reads.</summary>
public static class Words
{
    const int Longest = 500;

    /// <summary>The same text where it is fit already. Zero bytes and broken surrogates become the replacement character.</summary>
    public static string? Fit(string? text)
    {
        if (text is null || (text.Length <= Longest && !text.AsSpan().Contains('\0') && IsWhole(text))) return text;
        var fit = new StringBuilder(Math.Min(text.Length, Longest));
        foreach (var rune in text.EnumerateRunes())
        {
            if (fit.Length + rune.Utf16SequenceLength > Longest) break;
            fit.Append(rune.Value == 0 ? Rune.ReplacementChar.ToString() : rune.ToString());
        }
        return fit.ToString();
    }

    static bool IsWhole(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out var taken) != System.Buffers.OperationStatus.Done) return false;
            text = text[taken..];
        }
        return true;
    }
}
