using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Engine;
using Purser.Server.Invoices;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>POST /v1/orders: 201 the first time; 200 for the same again, by reference or Idempotency-Key, for ever; 409 for the same name
/// and other content, with the fields that differ if the merchant asks.</summary>
public sealed class PlaceOrder(OrderEngine engine, Ids ids, OrderPricing pricing, OrderReadStore store, OrderViews views, InvoiceOptions seller)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/v1/orders", (HttpContext http, PlaceOrder place, CancellationToken stop) => place.Handle(http, stop)).Is(OrderDocs.Place);

    async Task<IResult> Handle(HttpContext http, CancellationToken stop)
    {
        var (fields, unreadable) = await JsonBody.Read(http);
        if (fields is null) return unreadable!;
        var body = OrderBody.Read(fields, seller);
        if (!ApiCaller.Of(http).IsMerchant) OrderPricing.RefuseUntrusted(body, fields);
        if (fields.Faults.Count > 0) return Problem.Of(ProblemTypes.InvalidFields, fields.Faults);

        // What was stated, not what follows from it: a price that has changed since must not make a repeated request another one.
        var stated = JsonSerializer.Serialize(body, ApiJson.Default.OrderBody);
        var fingerprint = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(stated));
        var key = IdempotencyKey.Of(http, stated);
        var terms = await pricing.Price(body, fields, stop);
        if (terms is null)
            return await Earlier(http, body, fingerprint, key, stop) ?? (IResult)Problem.Of(ProblemTypes.InvalidFields, fields.Faults);

        var content = new OrderContent(
            terms.Lines, (ImmutableSortedDictionary<string, string>?)body.Metadata ?? ImmutableSortedDictionary<string, string>.Empty,
            body.UserId, body.ReturnUrl, [.. fingerprint], body.Locale, terms.Billing);
        while (true)
        {
            var id = ids.NextOrder();
            var create = new OrderCommand.Create(id, body.Reference, terms.Amount, terms.Description, terms.Customer, terms.Policy, terms.Lives, content);
            switch (await engine.Submit(EngineInput.Of(id, create, key), stop))
            {
                case EngineReply.Done { Reply: Reply.Made made }:
                    return views.Answer(http, new StoredOrder(made.Order, content), StatusCodes.Status201Created);
                case EngineReply.Done { Reply: Reply.Refused refused }:
                    return Refusals.Problem(refused.Why, id.ToString());
                case EngineReply.ReferenceExists { SameContent: true } same:
                    return await views.Answer(http, same.Order, replayed: true, stop);
                case EngineReply.ReferenceExists other:
                    return await Compare(http, body, terms, other.Order, ProblemTypes.ReferenceTaken, stop);
                case EngineReply.Replayed replayed when OrderId.TryParse(replayed.Resource, out var first):
                    return await views.Answer(http, first, replayed: true, stop);
                case EngineReply.KeyConflict conflict:
                    return ApiCaller.Of(http).IsMerchant && OrderId.TryParse(conflict.Resource, out var used)
                        ? await Compare(http, body, terms, used, ProblemTypes.KeyReused, stop)
                        : Refusals.KeyConflict(http, conflict.Resource);
                case EngineReply.Busy busy:
                    return Refusals.Busy(busy);
                case EngineReply.IdTaken:
                    continue;
                case var unexpected:
                    throw new InvalidOperationException($"Placing an order was answered with {unexpected.GetType().Name}.");
            }
        }
    }

    /// <summary>A request that was accepted once is accepted for ever, though a product of it is not sold any more.</summary>
    async Task<IResult?> Earlier(HttpContext http, OrderBody body, byte[] fingerprint, RequestKey? key, CancellationToken stop)
    {
        if (body.Reference is { } reference && await store.FindByReference(reference, stop) is { } first && first.Content.Fingerprint.AsSpan().SequenceEqual(fingerprint))
            return views.Answer(http, first, StatusCodes.Status200OK, replayed: true);
        if (key is not null && await store.FindKey(key, stop) is { } used && used.Fingerprint.AsSpan().SequenceEqual(key.Fingerprint)
            && OrderId.TryParse(used.Resource, out var order))
            return await views.Answer(http, order, replayed: true, stop);
        return null;
    }

    async Task<IResult> Compare(HttpContext http, OrderBody body, OrderTerms terms, OrderId first, ProblemType type, CancellationToken stop)
    {
        var stored = await store.Find(first, stop) ?? throw new InvalidOperationException($"{first} vanished.");
        var differences = OrderDifferences.Of(body, terms, stored);
        // Said in other words, a default written out, say: it is the same order.
        if (differences.Count == 0 && type == ProblemTypes.ReferenceTaken) return views.Answer(http, stored, StatusCodes.Status200OK, replayed: true);
        if (differences.Count == 0) return Refusals.KeyConflict(http, first.ToString());
        return new Problem(type, $"{first} was placed before and differs in {string.Join(", ", differences.Select(d => d.Field))}.")
        {
            Field = differences[0].Field,
            Errors = differences,
            Resource = first.ToString(),
        };
    }
}
