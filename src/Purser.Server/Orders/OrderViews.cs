using Purser.Orders;
using Purser.Server.Api;
using Purser.Server.Checkout;
using Purser.Server.Gateways;
using Purser.Server.Payments;
using Purser.Server.Platform;

namespace Purser.Server.Orders;

/// <summary>Orders and payments as answers.</summary>
public sealed class OrderViews(OrderReadStore store, PublicAddress address, ShopperTokens tokens, GatewayAccounts accounts, TimeProvider time)
{
    public OrderView Of(HttpContext http, StoredOrder stored) =>
        OrderView.From(stored.Order, stored.Content, address, TokenFor(http, stored.Order), SituationOf(stored.Order), ApiCaller.Of(http).IsMerchant, stored.HasInvoice);

    /// <summary>As the order's own status page tells it.</summary>
    public Situation SituationOf(Order order) => Situation.Of(order, null, time.GetUtcNow(), accounts.Title, accounts.PostsAnew);

    public PaymentView Of(HttpContext http, Order order, int payment) =>
        PaymentView.From(order, order.Payment(payment)!, address, TokenFor(http, order), ApiCaller.Of(http).IsMerchant);

    /// <summary>Who came with a token is handed that one on; it shall end when it was said to.</summary>
    string TokenFor(HttpContext http, Order order) => ApiCaller.Of(http) is { Shown: { } shown, Token: { } of } && of == order.Id ? shown : tokens.Now(order.Id);

    public IResult Answer(HttpContext http, StoredOrder stored, int status, bool replayed = false) =>
        ApiJson.Answer(Of(http, stored), status, status == StatusCodes.Status201Created ? $"/v1/orders/{stored.Order.Id}" : null, replayed);

    public async Task<IResult> Answer(HttpContext http, OrderId id, bool replayed, CancellationToken stop) =>
        await store.Find(id, stop) is { } stored
            ? Answer(http, stored, StatusCodes.Status200OK, replayed)
            : new Problem(ProblemTypes.OrderUnknown) { Field = "id" };
}
