namespace Purser.Simulation;

/// <summary>A rule that did not hold.</summary>
/// <param name="Rule">Its name in the list of invariants.</param>
/// <param name="Order">Which of the world's orders; -1 when it is about none alone.</param>
sealed record Violation(string Rule, int Order, string What, DateTimeOffset At);
