using System.Diagnostics;
using Npgsql;
using Purser.Orders;
using Purser.Payments;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Gateways;
using Purser.Server.Orders;
using Purser.Server.Platform;
using Purser.Server.Returns;

namespace Purser.Server.Payments;

/// <summary>Which way the shopper wants to pay.</summary>
public sealed record PaymentBody(
    [property: System.ComponentModel.Description("A gateway account's name; the first that can take the order's amount when left out.")] string? Gateway = null,
    [property: System.ComponentModel.Description("One that a gateway account offers: card, upi, netbanking, google_pay, apple_pay, wallet, bank_transfer, or a wallet's own name.")] string? Method = null);

/// <summary>Starting, reading and cancelling payments.</summary>
public sealed class PaymentEndpoints(
    OrderEngine engine, OrderReadStore store, OrderViews views, GatewayAccounts accounts, ReturnAddresses returns, PurserOptions options)
{
    public static void Add(IServiceCollection services) => services.AddSingleton<PaymentEndpoints>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/orders/{id}/payments", (string id, HttpContext http, PaymentEndpoints payments, CancellationToken stop) =>
            payments.Start(id, http, stop)).Is(PaymentDocs.Start);
        routes.MapGet("/v1/payments/{id}", (string id, PaymentEndpoints payments, CancellationToken stop) => payments.Read(id, stop)).Is(PaymentDocs.Read);
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
        if (await store.Find(order, stop) is not { Order: var stored }) return new Problem(ProblemTypes.OrderUnknown) { Field = "id" };

        var (account, unsuitable) = Choose(body, stored);
        if (account is null) return unsuitable!;
        var command = new OrderCommand.StartPayment(account, body.Method, payment => returns.For(account, payment));
        using var watching = engine.Watch.Begin(order);
        switch (await engine.Submit(EngineInput.Of(order, command, IdempotencyKey.Of(http, $"{body.Gateway}\n{body.Method}")), stop))
        {
            case EngineReply.Done { Reply: Reply.Made { Payment: { } number } made }:
                return Answer(await WithLink(watching, made.Order, number, stop), number, StatusCodes.Status201Created);
            case EngineReply.Done { Reply: Reply.Same { Payment: { } number } same }:
                return Answer(await WithLink(watching, same.Order, number, stop), number, StatusCodes.Status200OK);
            case EngineReply.Done { Reply: Reply.Refused refused }:
                return Refusals.Problem(refused.Why, id);
            case EngineReply.Replayed replayed when PaymentId.TryParse(replayed.Resource, out var first):
                if (await store.Find(first.Order, stop) is not { } now) return new Problem(ProblemTypes.PaymentUnknown);
                return Answer(await WithLink(watching, now.Order, first.Number, stop), first.Number, StatusCodes.Status200OK, replayed: true);
            case EngineReply.KeyConflict conflict:
                return Refusals.KeyConflict(conflict.Resource);
            case EngineReply.Busy busy:
                return Refusals.Busy(busy);
            case var unexpected:
                throw new InvalidOperationException($"Starting a payment was answered with {unexpected.GetType().Name}.");
        }
    }

    /// <summary>The account to pay with: the one asked for, else that of the open payment, which is the answer anyway, else the first that fits.</summary>
    (string? Account, Problem? Problem) Choose(PaymentBody body, Order order)
    {
        if (body.Gateway is { } name)
        {
            if (accounts.Find(name) is not { } entry)
                return (null, Problem.Of(ProblemTypes.InvalidFields, [new FieldFault("gateway", $"There is no gateway account '{name}'.",
                    accounts.InOrder.IsEmpty ? "The operator has not set up any yet." : $"Send one of {string.Join(", ", accounts.InOrder.Select(e => e.Account.Name))}.")]));
            if (NeedsNoFit(order)) return (name, null);
            return WhyNot(entry, order, body.Method) is { } why ? (null, Unsuitable(why.Field, why.Detail)) : (name, null);
        }
        if (NeedsNoFit(order)) return (order.OpenPayment?.Account ?? accounts.InOrder.FirstOrDefault()?.Account.Name ?? "none", null);
        var reasons = new List<string>();
        foreach (var entry in accounts.InOrder)
            if (WhyNot(entry, order, body.Method) is { } why) reasons.Add($"{entry.Account.Name}: {why.Detail}");
            else return (entry.Account.Name, null);
        return (null, Unsuitable("gateway", reasons.Count == 0
            ? "No gateway account is set up."
            : $"No gateway account can take {order.Amount}. {string.Join(" ", reasons)}"));
    }

    /// <summary>An order that is over is refused, and one with an open payment gets that again, whichever account is named.</summary>
    static bool NeedsNoFit(Order order) => order.HasEnded || (order.OpenPayment is not null && !order.Policy.AllowsSecondLink);

    static (string Field, string Detail)? WhyNot(GatewayAccounts.Entry entry, Order order, string? method)
    {
        if (GatewayAccounts.WhyNot(entry, order.Amount) is { } why) return ("gateway", why);
        var profile = entry.Gateway.Profile;
        return method is not null && !profile.Offers.Any(o => o.Method == method && o.Takes(order.Amount.Currency, null))
            ? ("method", $"{profile.Title} does not offer '{method}' for {order.Amount.Currency.Code} but {string.Join(", ", profile.Methods)}.")
            : null;
    }

    static Problem Unsuitable(string field, string detail) => new(ProblemTypes.GatewayUnsuitable, detail) { Field = field };

    /// <summary>Waits a while until the gateway has answered with a link. A gateway that is silent is no error: the payment says how it stands, and
    /// is asked about by the alarm clock.</summary>
    async Task<Order> WithLink(OrderWatch.Watching watching, Order order, int number, CancellationToken stop)
    {
        if (order.Payment(number)!.Status != PaymentStatus.Starting) return order;
        order = await watching.Until(o => o.Payment(number) is { Status: not PaymentStatus.Starting }, options.LinkPatience, stop) ?? order;
        if (order.Payment(number)!.Status != PaymentStatus.Starting) return order;
        try
        {
            // Another node may have learned it.
            return (await store.Find(order.Id, stop))?.Order ?? order;
        }
        catch (NpgsqlException)
        {
            // It is committed. That the database went away while we waited changes nothing about it.
            return order;
        }
    }

    IResult Answer(Order order, int number, int status, bool replayed = false) =>
        ApiJson.Answer(views.Of(order, number), status, status == StatusCodes.Status201Created ? $"/v1/payments/{new PaymentId(order.Id, number)}" : null, replayed);

    async Task<IResult> Read(string id, CancellationToken stop) =>
        PaymentId.TryParse(id, out var payment) && await store.Find(payment.Order, stop) is { } stored && stored.Order.Payment(payment.Number) is not null
            ? ApiJson.Answer(views.Of(stored.Order, payment.Number))
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
                return Answer(made.Order, payment.Number, StatusCodes.Status200OK);
            case EngineReply.Done { Reply: Reply.Same same }:
                return Answer(same.Order, payment.Number, StatusCodes.Status200OK, replayed: true);
            case EngineReply.Replayed:
                return await store.Find(payment.Order, stop) is { } stored
                    ? Answer(stored.Order, payment.Number, StatusCodes.Status200OK, replayed: true)
                    : new Problem(ProblemTypes.PaymentUnknown) { Field = "id" };
            case EngineReply.KeyConflict conflict:
                return Refusals.KeyConflict(conflict.Resource);
            case EngineReply.Busy busy:
                return Refusals.Busy(busy);
            case var unexpected:
                throw new UnreachableException($"Cancelling a payment was answered with {unexpected.GetType().Name}.");
        }
    }
}
