namespace Purser.Sandbox.Inspector;

/// <summary>The newest calls that a gateway received. Bounded in number and in bytes, so that a long load does not fill the memory.</summary>
public sealed class CallLog
{
    public const int CallsKept = 500;

    public const int BodyKept = 64 * 1024;

    /// <summary>Bodies of one gateway together; 500 of the largest would be four times as much.</summary>
    public const int BytesKept = 16 * 1024 * 1024;

    readonly Lock gate = new();
    readonly Queue<ReceivedCall> calls = new();
    long bytes;
    long last;

    /// <summary>Newest first, those after a number only.</summary>
    public IReadOnlyList<ReceivedCall> Since(long number)
    {
        lock (gate) return [.. calls.Where(c => c.Number > number).Reverse()];
    }

    public ReceivedCall? Find(long number)
    {
        lock (gate) return calls.FirstOrDefault(c => c.Number == number);
    }

    /// <summary>The number of the newest call, whether it is still kept or not.</summary>
    public long Last
    {
        get
        {
            lock (gate) return last;
        }
    }

    public ReceivedCall Received(DateTimeOffset at, Call call, string target, string name, string? fault)
    {
        lock (gate)
        {
            var received = new ReceivedCall(++last, at, call, target, name, fault);
            calls.Enqueue(received);
            bytes += received.Call.Body.Length;
            Trim();
            return received;
        }
    }

    public void Answered(ReceivedCall received, int status, string contentType, IReadOnlyList<KeyValuePair<string, string>> headers, byte[] body, string? meaning)
    {
        var kept = body.Length > BodyKept ? body[..BodyKept] : body;
        lock (gate)
        {
            received.Answer = new(status, contentType, headers, kept, body.Length, meaning);
            // One that was already let go, or forgotten, is not counted again.
            if (calls.Count > 0 && received.Number >= calls.Peek().Number) bytes += kept.Length;
            Trim();
        }
    }

    internal void Forget()
    {
        lock (gate)
        {
            calls.Clear();
            bytes = 0;
        }
    }

    void Trim()
    {
        while (calls.Count > CallsKept || (bytes > BytesKept && calls.Count > 1))
        {
            var oldest = calls.Dequeue();
            bytes -= oldest.Call.Body.Length + (oldest.Answer?.Body.Length ?? 0);
        }
    }
}
