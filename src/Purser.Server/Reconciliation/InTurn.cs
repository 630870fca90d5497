using Purser.Server.Engine;

namespace Purser.Server.Reconciliation;

/// <summary>Submits what can wait for its turn. A statement, or its absence, tells more orders at once than a lane takes, and nobody tells them again.</summary>
static class InTurn
{
    const int MostTries = 20;

    /// <returns>Busy only when the engine stayed so all the time.</returns>
    public static async Task<EngineReply> SubmitInTurn(this OrderEngine engine, EngineInput input, TimeProvider time, CancellationToken stop)
    {
        for (var tries = 1; ; tries++)
        {
            stop.ThrowIfCancellationRequested();
            // What the engine took it does, whether or not anybody waits for it.
            var reply = await engine.Submit(input, CancellationToken.None);
            if (reply is not EngineReply.Busy busy || tries == MostTries) return reply;
            await Task.Delay(busy.RetryAfter, time, stop);
        }
    }
}
