namespace Purser.Gateways;

/// <summary>Its webhooks are checked with something that the gateway publishes and names in the message, such as a certificate.</summary>
public interface INeedPublished
{
    /// <summary>What must be fetched and put into <see cref="RawMessage.Published"/> before the message is read. The address comes from a message that
    /// nobody has checked yet, so only the gateway's own hosts and paths may come out of here; null when the message names no such address, and is
    /// then read as it is. Never throws for what a stranger may send.</summary>
    Uri? Published(RawMessage message, GatewayAccount account);
}
