using System.Collections;
using System.Numerics;

namespace Purser.Server.Reconciliation;

/// <summary>Numbers of a file's lines, from 0: a bit for each up to the highest, however many there are. Read in their order.</summary>
sealed class LineSet : IEnumerable<int>
{
    ulong[] words = new ulong[16];

    public int Count { get; private set; }

    public void Add(int number)
    {
        var word = number >> 6;
        if (word >= words.Length) Array.Resize(ref words, Math.Max(word + 1, words.Length * 2));
        var bit = 1UL << (number & 63);
        if ((words[word] & bit) == 0) Count++;
        words[word] |= bit;
    }

    public IEnumerator<int> GetEnumerator()
    {
        for (var word = 0; word < words.Length; word++)
            for (var left = words[word]; left != 0; left &= left - 1) yield return (word << 6) + BitOperations.TrailingZeroCount(left);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
