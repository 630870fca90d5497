using System.Text.Json;
using System.Text.Json.Serialization;

namespace Purser.Gateways.Stripe;

// Their JSON, as far as we read it. Everything may be missing; what must be there is checked where it is used.

sealed record SessionWire
{
    public string? Object { get; init; }
    public string? Id { get; init; }
    public string? ClientReferenceId { get; init; }
    public string? Status { get; init; }
    public string? PaymentStatus { get; init; }
    public long? AmountTotal { get; init; }
    public string? Currency { get; init; }
    public string? Url { get; init; }
    public bool? Livemode { get; init; }
    public long? Created { get; init; }
    public Expandable<IntentWire>? PaymentIntent { get; init; }
}

sealed record SessionsWire(IReadOnlyList<SessionWire>? Data, bool? HasMore);

sealed record IntentWire
{
    public string? Id { get; init; }
    public string? Status { get; init; }
    public long? AmountReceived { get; init; }
    public string? Currency { get; init; }
    public string? CancellationReason { get; init; }
    public long? Created { get; init; }
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
    public TryErrorWire? LastPaymentError { get; init; }
    public Expandable<ChargeWire>? LatestCharge { get; init; }
}

/// <param name="Charge">The failed charge's name; a card's only, and none where the try ended before its bank was asked for money.</param>
sealed record TryErrorWire(string? Code, string? DeclineCode, string? Charge, Expandable<MeansWire>? PaymentMethod);

sealed record MeansWire(string? Id, long? Created);

sealed record ChargeWire(string? Id, long? Created, MethodWire? PaymentMethodDetails);

sealed record MethodWire(string? Type, CardWire? Card);

sealed record CardWire(WalletWire? Wallet);

sealed record WalletWire(string? Type);

sealed record RefundWire
{
    public string? Id { get; init; }
    public string? PaymentIntent { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    public string? Status { get; init; }
    public string? FailureReason { get; init; }
    public long? Created { get; init; }
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

sealed record RefundsWire(IReadOnlyList<RefundWire>? Data, bool? HasMore);

// Settlement.

sealed record PayoutsWire(IReadOnlyList<PayoutWire>? Data, bool? HasMore);

sealed record PayoutWire
{
    public string? Id { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    public bool? Automatic { get; init; }
    public string? ReconciliationStatus { get; init; }
    public string? Status { get; init; }
    public string? BalanceTransaction { get; init; }
    /// <summary>What brought it back, when it failed or was canceled.</summary>
    public string? FailureBalanceTransaction { get; init; }
    public long? Created { get; init; }
}

sealed record BalancesWire(IReadOnlyList<BalanceWire>? Data, bool? HasMore);

sealed record BalanceWire
{
    public string? Id { get; init; }
    public long? Amount { get; init; }
    public string? Currency { get; init; }
    public long? Fee { get; init; }
    public IReadOnlyList<FeeWire>? FeeDetails { get; init; }
    public long? Net { get; init; }
    public long? Created { get; init; }
    public string? ReportingCategory { get; init; }
    public string? Description { get; init; }
    /// <summary>An id, or the object itself where it was asked for; null for a charge of their own.</summary>
    public JsonElement Source { get; init; }
}

sealed record FeeWire(long? Amount, string? Type);

/// <summary>What a row is about: a charge, a refund, a dispute.</summary>
sealed record SourceWire
{
    public string? Id { get; init; }
    public string? PaymentIntent { get; init; }
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
    public MethodWire? PaymentMethodDetails { get; init; }
}

sealed record DisputeWire(string? Id, long? Amount, string? Currency, string? Status, string? PaymentIntent, long? Created);

sealed record ErrorAnswerWire(ErrorWire? Error);

sealed record ErrorWire(string? Type, string? Code, string? Message, string? Param);

sealed record EventWire(string? Id, string? Type, bool? Livemode, long? Created, EventObjectWire? Data);

sealed record EventObjectWire(JsonElement Object);

/// <summary>An id, or the object itself where it was asked for.</summary>
[JsonConverter(typeof(ExpandableConverter))]
sealed record Expandable<T>(string Id, T? Object) where T : class;

sealed class ExpandableConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Expandable<>);

    public override JsonConverter? CreateConverter(Type typeToConvert, JsonSerializerOptions options) => typeToConvert switch
    {
        _ when typeToConvert == typeof(Expandable<IntentWire>) => new Reader<IntentWire>(i => i.Id),
        _ when typeToConvert == typeof(Expandable<ChargeWire>) => new Reader<ChargeWire>(c => c.Id),
        _ when typeToConvert == typeof(Expandable<MeansWire>) => new Reader<MeansWire>(m => m.Id),
        _ => null,
    };

    sealed class Reader<T>(Func<T, string?> id) : JsonConverter<Expandable<T>> where T : class
    {
        public override Expandable<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.String) return new Expandable<T>(reader.GetString()!, null);
            var value = JsonSerializer.Deserialize<T>(ref reader, options) ?? throw new JsonException();
            return new Expandable<T>(id(value) ?? throw new JsonException("An object without an id."), value);
        }

        public override void Write(Utf8JsonWriter writer, Expandable<T> value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}
