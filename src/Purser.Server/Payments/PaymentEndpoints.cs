using System.Collections.Immutable;
using System.Diagnostics;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Routing;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Orders;
using Purser.Server.Platform;

namespace Purser.Server.Payments;

/// <summary>Which way the shopper wants to pay.</summary>
public sealed record PaymentBody(
    [property: System.ComponentModel.Description("A gateway account's name; the first that can take the order's amount when left out.")] string? Gateway = null,
    [property: System.ComponentModel.Description("One that a gateway account offers: card, upi, netbanking, google_pay, apple_pay, wallet, or a wallet's own name.")] string? Method = null);

/// <summary>Starting, reading and cancelling payments.</summary>
public sealed class PaymentEndpoints(
    OrderEngine engine, OrderReadStore store, OrderViews views, GatewayAccounts accounts, PurserOptions options)
{
    public static void Add(IServiceCollection services) => services.AddSingleton<PaymentEndpoints>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/orders/{id}/payments", (string id, HttpContext http, PaymentEndpoints payments, CancellationToken stop) =>
            payments.Start(id, http, stop)).Is(PaymentDocs.Start);
        routes.MapGet("/v1/payments/{id}", (string id, HttpContext http, PaymentEndpoints payments, CancellationToken stop) =>
            payments.Read(id, http, stop)).Is(PaymentDocs.Read);
        routes.MapPost("/v1/payments/{id}/cancellation", (string id, HttpContext http, PaymentEndpoints payments, CancellationToken stop) =>
            payments.Cancel(id, http, stop)).Is(PaymentDocs.Cancel);
        GatewayEndpoints.Map(routes);
    }

    async Task<IResult> Start(string id, HttpContext http, CancellationToken stop)
    {
        if (!OrderId.TryParse(id, out var order)) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        var body = new PaymentBody(fields.Text("gateway", 40), fields.OneOf("method", accounts.Methods));
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        if (body.Gateway is { } name && accounts.Find(name) is null)
            return Problem.Of(ProblemTypes.InvalidFields, [new FieldFault("gateway", $"There is no gateway account '{name}'.",
                accounts.InOrder.IsEmpty ? "The operator has not set up any yet." : $"Send one of {string.Join(", ", accounts.InOrder.Select(e => e.Account.Name))}.")]);

        var command = new OrderCommand.StartPayment(body.Gateway, body.Method);
        using var watching = engine.Watch.Begin(order);
        switch (await engine.Submit(EngineInput.Of(order, command, IdempotencyKey.Of(http, $"{body.Gateway}\n{body.Method}")), stop))
        {
            case EngineReply.Done { Reply: Reply.Made { Payment: { } number } made }:
                return await WithLink(http, watching, made.Order, number, StatusCodes.Status201Created, stop);
            case EngineReply.Done { Reply: Reply.Same { Payment: { } number } same }:
                return await WithLink(http, watching, same.Order, number, StatusCodes.Status200OK, stop);
            case EngineReply.Done { Reply: Reply.Refused { Why: Refusal.GatewayUnsuitable, Order: { } refused } }:
                return Unsuitable(body, refused);
            case EngineReply.Done { Reply: Reply.Refused no }:
                return Refusals.Problem(no.Why, id);
            case EngineReply.Replayed replayed when PaymentId.TryParse(replayed.Resource, out var first):
                if (await store.Find(first.Order, stop) is not { } now) return new Problem(ProblemTypes.PaymentUnknown);
                return await WithLink(http, watching, now.Order, first.Number, StatusCodes.Status200OK, stop, replayed: true);
            case EngineReply.KeyConflict conflict:
                return Refusals.KeyConflict(http, conflict.Resource);
            case EngineReply.Busy busy:
                return Refusals.Busy(busy);
            case var unexpected:
                throw new InvalidOperationException($"Starting a payment was answered with {unexpected.GetType().Name}.");
        }
    }

    Problem Unsuitable(PaymentBody body, Order order)
    {
        if (body.Gateway is { } name && accounts.Routing.Account(name) is { } asked)
        {
            var why = asked.WhyNot(order.Amount, order.Customer.Country, null);
            return new(ProblemTypes.GatewayUnsuitable, $"{name}: {why ?? asked.WhyNot(order.Amount, order.Customer.Country, body.Method)}.") { Field = why is null ? "method" : "gateway" };
        }
        var choice = Router.Choose(OrderMachine.Route(order, body.Method, []), accounts.Routing, ImmutableDictionary<string, AccountHealth>.Empty);
        return new(ProblemTypes.GatewayUnsuitable, $"For {order.Amount} {choice.Why}.") { Field = body.Method is null ? "gateway" : "method" };
    }

    /// <summary>Waits a while until a gateway has answered with a link: the payment's own, or the one that took over because that one could do
    /// nothing. A gateway that is silent is no error: the payment says how it stands, and is asked about by the alarm clock.</summary>
    async Task<IResult> WithLink(HttpContext http, OrderWatch.Watching watching, Order order, int number, int status, CancellationToken stop, bool replayed = false)
    {
        if (Follow(order, number) is not { Status: not PaymentStatus.Starting })
        {
            // What is told first may be of a commit before the one that made this payment.
            var told = await watching.Until(o => Follow(o, number) is { Status: not PaymentStatus.Starting }, options.LinkPatience, stop);
            if (told?.Payment(number) is not null) order = told;
            if (Follow(order, number) is not { Status: not PaymentStatus.Starting }) order = await ReadAgain(order, stop);
        }
        return Answer(http, order, Follow(order, number)!.Number, status, replayed);
    }

    static Payment? Follow(Order order, int number)
    {
        var payment = order.Payment(number);
        while (payment is { Status: PaymentStatus.Failed, Routed: true } && order.Payment(payment.Number + 1) is { Routed: true } next) payment = next;
        return payment;
    }

    /// <summary>Another node may have learned it.</summary>
    async Task<Order> ReadAgain(Order order, CancellationToken stop)
    {
        try
        {
            return (await store.Find(order.Id, stop))?.Order ?? order;
        }
        catch (NpgsqlException)
        {
            // It is committed. That the database went away while we waited changes nothing about it.
            return order;
        }
    }

    IResult Answer(HttpContext http, Order order, int number, int status, bool replayed = false) =>
        ApiJson.Answer(views.Of(http, order, number), status, status == StatusCodes.Status201Created ? $"/v1/payments/{new PaymentId(order.Id, number)}" : null, replayed);

    async Task<IResult> Read(string id, HttpContext http, CancellationToken stop) =>
        PaymentId.TryParse(id, out var payment) && await store.Find(payment.Order, stop) is { } stored && stored.Order.Payment(payment.Number) is not null
            ? ApiJson.Answer(views.Of(http, stored.Order, payment.Number))
            : new Problem(ProblemTypes.PaymentUnknown) { Field = "id" };

    async Task<IResult> Cancel(string id, HttpContext http, CancellationToken stop)
    {
        if (!PaymentId.TryParse(id, out var payment)) return new Problem(ProblemTypes.PaymentUnknown) { Field = "id" };
        var (fields, unreadable) = await JsonBody.Read(http, optional: true);
        if (fields is null) return unreadable!;
        fields.RefuseUnknown();
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);
        switch (await engine.Submit(EngineInput.Of(payment.Order, new OrderCommand.CancelPayment(payment.Number), IdempotencyKey.Of(http, "")), stop))
        {
            case EngineReply.Done { Reply: Reply.Refused { Why: Refusal.OrderUnknown } }:
                return new Problem(ProblemTypes.PaymentUnknown) { Field = "id" };
            case EngineReply.Done { Reply: Reply.Refused refused }:
                return Refusals.Problem(refused.Why, id);
            case EngineReply.Done { Reply: Reply.Made made }:
                return Answer(http, made.Order, payment.Number, StatusCodes.Status200OK);
            case EngineReply.Done { Reply: Reply.Same same }:
                return Answer(http, same.Order, payment.Number, StatusCodes.Status200OK, replayed: true);
            case EngineReply.Replayed:
                return await store.Find(payment.Order, stop) is { } stored
                    ? Answer(http, stored.Order, payment.Number, StatusCodes.Status200OK, replayed: true)
                    : new Problem(ProblemTypes.PaymentUnknown) { Field = "id" };
            case EngineReply.KeyConflict conflict:
                return Refusals.KeyConflict(http, conflict.Resource);
            case EngineReply.Busy busy:
                return Refusals.Busy(busy);
            case var unexpected:
                throw new UnreachableException($"Cancelling a payment was answered with {unexpected.GetType().Name}.");
        }
    }
}
