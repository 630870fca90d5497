namespace Purser.Server.Platform;

/// <summary>Purser cannot start or work as configured. The message is for an operator: it names what failed, the
/// setting that governs it and the remedy, so a program prints it as it is and without a stack.</summary>
public sealed class StartFailureException(string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>Something else that runs has what this one needs, a port or the database: a second one beside it needs its own.</summary>
    public bool IsTaken { get; init; }
}
