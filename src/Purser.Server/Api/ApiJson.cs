using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Purser.Server.Deliveries;
using Purser.Server.Events;
using Purser.Server.Explanation;
using Purser.Server.Invoices;
using Purser.Server.Ledger;
using Purser.Server.Live;
using Purser.Server.Orders;
using Purser.Server.Payments;
using Purser.Server.Products;
using Purser.Server.Reconciliation;
using Purser.Server.Refunds;
using Purser.Server.Risk;
using Purser.Server.Settlement;

namespace Purser.Server.Api;

/// <summary>How answers are written: snake_case, times in UTC, absent values as null so that every answer has the same shape. Generated code; no
/// reflection at run time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(OrderView)), JsonSerializable(typeof(OrderList)), JsonSerializable(typeof(OrderBody))]
[JsonSerializable(typeof(PaymentView)), JsonSerializable(typeof(PaymentBody)), JsonSerializable(typeof(GatewayList)), JsonSerializable(typeof(RefundView)), JsonSerializable(typeof(RefundBody))]
[JsonSerializable(typeof(ProductView)), JsonSerializable(typeof(ProductList)), JsonSerializable(typeof(ProductBody)), JsonSerializable(typeof(ProductChange))]
[JsonSerializable(typeof(EventView)), JsonSerializable(typeof(EventList)), JsonSerializable(typeof(OrderEventList))]
[JsonSerializable(typeof(DiscrepancyList)), JsonSerializable(typeof(DiscrepancyView)), JsonSerializable(typeof(ResolutionBody)), JsonSerializable(typeof(ReopeningBody)), JsonSerializable(typeof(SettlementDismissalBody)), JsonSerializable(typeof(InvoiceBody)), JsonSerializable(typeof(NewsList)), JsonSerializable(typeof(NewsView))]
[JsonSerializable(typeof(SettlementView)), JsonSerializable(typeof(SettlementList)), JsonSerializable(typeof(SettlementLineList))]
[JsonSerializable(typeof(ExplanationView)), JsonSerializable(typeof(LiveView))]
[JsonSerializable(typeof(BalanceList)), JsonSerializable(typeof(StatementView)), JsonSerializable(typeof(RiskView))]
[JsonSerializable(typeof(ReceiverView)), JsonSerializable(typeof(ReceiverList)), JsonSerializable(typeof(ReceiverBody)), JsonSerializable(typeof(ReceiverChangeBody)), JsonSerializable(typeof(RotationBody))]
[JsonSerializable(typeof(TestView)), JsonSerializable(typeof(DeliveryView)), JsonSerializable(typeof(DeliveryList)), JsonSerializable(typeof(RedeliveryBody)), JsonSerializable(typeof(RedeliveryView))]
[JsonSerializable(typeof(InvoiceView)), JsonSerializable(typeof(InvoiceList)), JsonSerializable(typeof(CreditNoteList))]
public sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>Without the HTML escapes that only an inline script would need.</summary>
    public static ApiJson Plain => plain ??= new ApiJson(new JsonSerializerOptions(Default.Options!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    // Made at first use: the order of static fields in several parts of a class is nobody's promise.
    static ApiJson? plain;

    /// <summary>Answers with a view.</summary>
    public static IResult Answer<T>(T view, int status = StatusCodes.Status200OK, string? location = null, bool replayed = false) =>
        new JsonAnswer<T>(view, status, location, replayed);

    sealed class JsonAnswer<T>(T view, int status, string? location, bool replayed) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = status;
            response.ContentType = "application/json; charset=utf-8";
            response.Headers.CacheControl = "no-store";
            if (location is not null) response.Headers.Location = location;
            if (replayed) response.Headers[IdempotencyKey.ReplayedHeader] = "true";
            await using (var json = new Utf8JsonWriter(response.BodyWriter, new JsonWriterOptions { Encoder = Plain.Options.Encoder }))
                JsonSerializer.Serialize(json, view, Plain.GetTypeInfo(typeof(T))!);
            await response.BodyWriter.FlushAsync(httpContext.RequestAborted);
        }
    }
}
