namespace Purser.Gateways;

/// <summary>The rows of one file one after the other, whatever it is written in. A cell is a piece of a buffer that the next row overwrites.</summary>
abstract class SettlementRows : IDisposable
{
    /// <summary>The row's place in the file, from 1: of its first line in a text.</summary>
    public int Number { get; protected set; }
    /// <summary>How many cells it has.</summary>
    public int Count { get; protected set; }
    /// <summary>Why nothing of the row can be used, or null.</summary>
    public string? Trouble { get; protected set; }
    /// <summary>The file ends with it, and without a line break.</summary>
    public bool IsLast { get; protected set; }
    /// <summary>It ends where the file ends, so that its last cell may go on in another copy.</summary>
    public bool EndsOpen { get; protected set; }
    /// <summary>Empty cells at the end of a row are not written.</summary>
    public virtual bool Sparse => false;

    /// <summary>The cell without blanks at its ends.</summary>
    public abstract ReadOnlySpan<char> this[int at] { get; }

    /// <summary>False at the end of the file.</summary>
    public abstract bool Read();

    /// <summary>A cell that is a date, not text.</summary>
    public virtual DateTime? Date(int at) => null;

    /// <summary>Why a cell cannot be handed out although there is something in it.</summary>
    public virtual string? Unfit(int at) => null;

    public bool IsBlank
    {
        get
        {
            for (var i = 0; i < Count; i++)
                if (!this[i].IsEmpty) return false;
            return Trouble is null;
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}

/// <summary>What a file may cost. A file that grows beyond these when it is unpacked was made to do so.</summary>
public sealed record SettlementLimits
{
    public static SettlementLimits Usual { get; } = new();

    /// <summary>Bytes of a packed file, unpacked: ten million rows have five thousand million.</summary>
    public long MostUnpackedBytes { get; init; } = 8L << 30;
    /// <summary>Bytes unpacked for one packed: statements have 5 to 40.</summary>
    public int MostRatio { get; init; } = 250;
    /// <summary>So much may be unpacked at any ratio: an empty sheet is all repetition.</summary>
    public long RatioCountsFromBytes { get; init; } = 4 << 20;
    /// <summary>Letters of the texts that a workbook's cells share, which are in memory all the time.</summary>
    public int MostSharedLetters { get; init; } = 32 << 20;
}
