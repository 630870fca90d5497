using System.Collections.Immutable;

namespace Purser.Gateways;

/// <summary>Its signatures can be computed step by step before a person's eyes.</summary>
public interface IShowSignatures
{
    ImmutableArray<SignatureRecipe> Signatures { get; }
}

/// <summary>One kind of signed message: a webhook, a return, a request of ours.</summary>
/// <param name="Name">snake_case, unique within the gateway: webhook, return, request.</param>
/// <param name="Meaning">One sentence: what is signed, with what.</param>
/// <param name="Compute">Takes a message as it was sent and shows the computation, with the same code that checks it in earnest. Never throws for
/// what a stranger may send: a step that cannot be taken says why and is the last.</param>
public sealed record SignatureRecipe(string Name, string Meaning, Func<RawMessage, GatewayAccount, SignatureTrace> Compute);

/// <param name="Given">The signature in the message; null when there is none.</param>
/// <param name="Expected">The one it should have; null where the scheme has none to compute (a decryption) or a step failed.</param>
/// <param name="Right">The message would be taken for the gateway's (or, for a request, would be accepted).</param>
public sealed record SignatureTrace(ImmutableArray<SignatureStep> Steps, string? Given, string? Expected, bool Right);

/// <summary>One step: what is done, and what came of it. Secrets appear as <see cref="Redaction.Mark"/> with their length.</summary>
public sealed record SignatureStep(string Title, string Value, string? Remark = null);
