namespace Purser.Gateways;

/// <summary>A file whose end must be read first: it is kept in memory while it is small, else in a file that is gone when it is closed.</summary>
static class SettlementSpool
{
    const int Small = 4 * 1024 * 1024;

    public static Stream Seekable(Stream file, SettlementLimits limits)
    {
        if (file is Rejoined { Inner: { CanSeek: true } seekable, Before: var before } && seekable.Position == before)
        {
            seekable.Position = 0;
            return seekable;
        }
        Stream kept = new MemoryStream();
        try
        {
            var piece = new byte[64 * 1024];
            for (int count; (count = file.Read(piece)) > 0;)
            {
                if (kept.Length + count > limits.MostUnpackedBytes) throw new SettlementReader.NotAStatementException("The file is larger than what may be unpacked.");
                kept.Write(piece, 0, count);
                if (kept is MemoryStream { Length: > Small } small) kept = OnDisk(small);
            }
            file.Dispose();
            kept.Position = 0;
            return kept;
        }
        catch
        {
            kept.Dispose();
            throw;
        }
    }

    static FileStream OnDisk(MemoryStream small)
    {
        // Its name is random and nobody else may read it; it never has the name that somebody gave to the file.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), options);
        small.Position = 0;
        small.CopyTo(file);
        small.Dispose();
        return file;
    }

    /// <summary>A stream of which the first bytes have been read already.</summary>
    public sealed class Rejoined(ReadOnlyMemory<byte> start, Stream rest) : ForwardOnly
    {
        readonly long first = start.Length;
        ReadOnlyMemory<byte> left = start;

        public Stream Inner => rest;

        /// <summary>Where the rest stands as long as nothing was read of this.</summary>
        public long Before => left.Length == first ? first : -1;

        public override int Read(Span<byte> buffer)
        {
            if (left.IsEmpty) return rest.Read(buffer);
            var count = Math.Min(left.Length, buffer.Length);
            left.Span[..count].CopyTo(buffer);
            left = left[count..];
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) rest.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>What a stream must have that can only be read.</summary>
    public abstract class ForwardOnly : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public abstract override int Read(Span<byte> buffer);
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
