using System.ComponentModel;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Refunds;

/// <summary>What is to be given back.</summary>
public sealed record RefundBody(
    [property: Description("In minor units of the order's currency; all that is left when left out.")] long? Amount = null,
    [property: Description("The payment's id; the accepted one when left out.")] string? Payment = null,
    [property: Description("One line for people, told to the gateway where it takes one. At most 200 characters.")] string? Note = null);

/// <summary>Asking for refunds and reading them.</summary>
public sealed class RefundEndpoints(OrderEngine engine, OrderReadStore store)
{
    public static void Add(IServiceCollection services) => services.AddSingleton<RefundEndpoints>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/orders/{id}/refunds", (string id, HttpContext http, RefundEndpoints refunds, CancellationToken stop) =>
            refunds.Request(id, http, stop)).Is(RefundDocs.Request);
        routes.MapGet("/v1/refunds/{id}", (string id, RefundEndpoints refunds, CancellationToken stop) => refunds.Read(id, stop)).Is(RefundDocs.Read);
    }

    async Task<IResult> Request(string id, HttpContext http, CancellationToken stop)
    {
        if (!OrderId.TryParse(id, out var order)) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        var amount = fields.Whole("amount", 1, long.MaxValue, "minor units");
        var payment = fields.Text("payment", 60);
        var note = fields.Text("note", 200);
        fields.RefuseUnknown();
        var number = 0;
        if (payment is not null)
        {
            if (PaymentId.TryParse(payment, out var named) && named.Order == order) number = named.Number;
            else fields.Fault("payment", "It is no payment of this order.", "Send the id of a payment of this order, or leave it out for the accepted one.");
        }
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        var key = IdempotencyKey.Of(http, $"{amount}\n{payment}\n{note}");
        // Two equal requests for a part may be one sent twice, or two parts. All that is left can be asked for only once.
        if (amount is not null && key is null)
            return Problem.Of(ProblemTypes.InvalidHeader, [new FieldFault(IdempotencyKey.Header, "A refund of a stated amount must carry this header.",
                "Draw one for each refund you mean, as a UUID, and send it again when you repeat the request; or leave 'amount' out to give back all that is left.")]);
        if (await store.Find(order, stop) is not { } stored) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };

        var command = new OrderCommand.Refund(
            payment is null ? null : number, amount is { } units ? new Money(units, stored.Order.Amount.Currency) : null, note);
        switch (await engine.Submit(EngineInput.Of(order, command, key), stop))
        {
            case EngineReply.Done { Reply: Reply.Made { Refund: { } made } done }:
                return Answer(done.Order, made, StatusCodes.Status201Created);
            case EngineReply.Done { Reply: Reply.Same { Refund: { } same } done }:
                return Answer(done.Order, same, StatusCodes.Status200OK, replayed: true);
            case EngineReply.Done { Reply: Reply.Refused { Why: Refusal.RefundTooLarge, Order: { } now } }:
                return new Problem(ProblemTypes.RefundTooLarge, $"{Left(now, payment is null ? now.PaidBy : number)} is left to give back.") { Field = "amount", Resource = id };
            case EngineReply.Done { Reply: Reply.Refused no }:
                return Refusals.Problem(no.Why, id);
            case EngineReply.Replayed replayed when RefundId.TryParse(replayed.Resource, out var first) && await store.Find(first.Order, stop) is { } now:
                return Answer(now.Order, first.Number, StatusCodes.Status200OK, replayed: true);
            case EngineReply.KeyConflict conflict:
                return Refusals.KeyConflict(http, conflict.Resource);
            case EngineReply.Busy busy:
                return Refusals.Busy(busy);
            case var unexpected:
                throw new InvalidOperationException($"A refund was answered with {unexpected.GetType().Name}.");
        }
    }

    static Money Left(Order order, int? payment) => payment is { } number && order.Payment(number) is { Captures.Length: > 0 } p
        ? p.Captures.Select(c => order.LeftOf(number, c)).MaxBy(m => m.MinorUnits)
        : Money.Zero(order.Amount.Currency);

    async Task<IResult> Read(string id, CancellationToken stop) =>
        RefundId.TryParse(id, out var refund) && await store.Find(refund.Order, stop) is { } stored && stored.Order.Refund(refund.Number) is not null
            ? Answer(stored.Order, refund.Number, StatusCodes.Status200OK)
            : new Problem(ProblemTypes.RefundUnknown) { Field = "id" };

    static IResult Answer(Order order, int number, int status, bool replayed = false) =>
        ApiJson.Answer(RefundView.From(order, order.Refund(number)!, forMerchant: true), status,
            status == StatusCodes.Status201Created ? $"/v1/refunds/{new RefundId(order.Id, number)}" : null, replayed);
}
