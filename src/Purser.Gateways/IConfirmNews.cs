namespace Purser.Gateways;

/// <summary>The gateway itself can be asked whether a webhook is its own: for an account that wants it so, and where what the check needs
/// (<see cref="INeedPublished"/>) cannot be had.</summary>
public interface IConfirmNews
{
    /// <summary>The account wants the gateway asked about every webhook.</summary>
    bool AsksAlways(GatewayAccount account);

    /// <summary>Asks, with the body byte for byte as it came. True: theirs; false: not theirs, also without a question when it cannot be; null: no answer
    /// that says either, so that it has to come again. Only a message that could be theirs costs a question, for anybody may send one.</summary>
    Task<bool?> Confirm(RawMessage message, GatewayAccount account, GatewayLine line, CancellationToken stop);
}
