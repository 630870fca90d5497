using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>What the engine says no with, as problems.</summary>
static class Refusals
{
    public static Problem Problem(Refusal why, string resource) => new(why switch
    {
        Refusal.OrderUnknown => ProblemTypes.OrderUnknown,
        Refusal.OrderPaid => ProblemTypes.OrderPaid,
        Refusal.OrderExpired => ProblemTypes.OrderExpired,
        Refusal.OrderCancelled => ProblemTypes.OrderCancelled,
        Refusal.OrderNotPaid => ProblemTypes.OrderNotPaid,
        Refusal.PaymentUnknown => ProblemTypes.PaymentUnknown,
        Refusal.PaymentEnded => ProblemTypes.PaymentEnded,
        Refusal.PaymentSucceeded => ProblemTypes.PaymentSucceeded,
        Refusal.LinkCannotBeCancelled => ProblemTypes.LinkCannotBeCancelled,
        Refusal.TooManyPayments => ProblemTypes.TooManyPayments,
        Refusal.ReferenceTaken => ProblemTypes.ReferenceTaken,
        Refusal.GatewayUnsuitable => ProblemTypes.GatewayUnsuitable,
        Refusal.NothingCaptured => ProblemTypes.NothingCaptured,
        Refusal.RefundTooLarge => ProblemTypes.RefundTooLarge,
        Refusal.NothingLeft => ProblemTypes.NothingLeft,
        Refusal.RefundWhole => ProblemTypes.RefundWhole,
        Refusal.MoneyDisputed => ProblemTypes.MoneyDisputed,
        Refusal.RefundedOnce => ProblemTypes.RefundedOnce,
        Refusal.RefundUnknown => ProblemTypes.RefundUnknown,
        Refusal.DisputeUnclear => ProblemTypes.AnswerUnsuitable,
        Refusal.QuestionUnknown => ProblemTypes.DiscrepancyUnknown,
        Refusal.QuestionChanged => ProblemTypes.DiscrepancyChanged,
        Refusal.AnswerUnsuitable => ProblemTypes.AnswerUnsuitable,
        Refusal.AnswerFinal => ProblemTypes.AnswerFinal,
        Refusal.OrderHeld => ProblemTypes.OrderHeld,
        _ => throw new ArgumentOutOfRangeException(nameof(why)),
    })
    { Resource = resource };

    public static Problem Busy(EngineReply.Busy busy) => new(ProblemTypes.Busy, busy.Why) { RetryAfter = busy.RetryAfter };

    /// <summary>The same Idempotency-Key came before with another request. Only the merchant is told which: a publishable key is shared by all
    /// shoppers, and the first request may have been another's.</summary>
    public static Problem KeyConflict(HttpContext http, string resource) => ApiCaller.Of(http).IsMerchant
        ? new(ProblemTypes.KeyReused, $"This Idempotency-Key was used before, for another request, which concerned {resource}.")
        { Field = IdempotencyKey.Header, Resource = resource }
        : new(ProblemTypes.KeyReused) { Field = IdempotencyKey.Header };
}
