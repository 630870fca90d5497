namespace Purser.Gateways.Tests;

/// <summary>What a test holds a gateway against. A gateway's own tests say it, and the page of gateways is made of what they say.</summary>
public enum By
{
    /// <summary>Code that the gateway itself publishes takes part in the test.</summary>
    OfficialCode,
    /// <summary>Code of others takes part that knows the standard and not the gateway.</summary>
    OtherCode,
    /// <summary>Signatures that the gateway publishes, or that its own code made or accepts.</summary>
    PublishedVector,
    /// <summary>Examples and rules of the wire documents, with vectors that no code of the gateway has seen.</summary>
    Document,
}

public enum Part
{
    Adapter,
    Simulator,
}

/// <param name="package">The package of npm that takes part, where code does.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class VerifiesAttribute(Part part, By by, string? package = null) : Attribute
{
    public Part Part => part;
    public By By => by;
    public string? Package => package;
}
