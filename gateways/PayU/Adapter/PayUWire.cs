using System.Text.Json;

namespace Purser.Gateways.PayU;

/// <summary>Their server's answer: a status that is a number or a text, words, and details whose shape depends on what was found.</summary>
public sealed record AnswerWire
{
    public JsonElement Status { get; init; }
    public string? Msg { get; init; }
    public JsonElement ErrorCode { get; init; }
    public JsonElement RequestId { get; init; }
    public JsonElement TransactionDetails { get; init; }

    public bool IsGood => PayUMapping.Word(Status) == "1";
}

/// <summary>One action on a payment: its capture, or a refund of it.</summary>
public sealed record ActionWire
{
    public JsonElement Mihpayid { get; init; }
    public JsonElement RequestId { get; init; }
    public JsonElement Amt { get; init; }
    public string? Action { get; init; }
    public string? Token { get; init; }
    public string? Status { get; init; }
    public JsonElement BankArn { get; init; }
    public JsonElement BankRefNum { get; init; }
}
