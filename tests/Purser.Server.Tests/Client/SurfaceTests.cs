using System.Reflection;
using System.Text;
using Purser.Orders;

namespace Purser.Client.Tests;

/// <summary>What the client promises, and that it knows every word of the server.</summary>
public sealed class SurfaceTests
{
    /// <summary>PURSER_UPDATE=1 writes it.</summary>
    [Fact]
    public void What_is_public_changes_on_purpose_only()
    {
        var path = Path.Combine(ReadmeTests.Root, "src", "Purser.Client", "api.txt");
        var printed = Surface();
        if (Environment.GetEnvironmentVariable("PURSER_UPDATE") == "1") File.WriteAllText(path, printed);
        File.ReadAllText(path).ShouldBe(printed);
        printed.ShouldContain("PurserOrders.Place(NewOrder order, String key = null, CancellationToken stop = default): Task<Order>");
    }

    [Fact]
    public void Every_word_of_the_server_is_known()
    {
        Constants().ShouldBe(Enum.GetValues<EventType>().Select(t => t.Name()).Append("webhook_endpoint.test"), ignoreOrder: true);
        Enum.GetNames<PaymentStatus>().Except(["Unknown"]).ShouldBe(Enum.GetNames<Payments.PaymentStatus>(), ignoreOrder: true);
        Enum.GetNames<RefundStatus>().Except(["Unknown"]).ShouldBe(Enum.GetNames<Refunds.RefundStatus>(), ignoreOrder: true);
        Enum.GetNames<OrderStatus>().Except(["Unknown", "PartiallyRefunded", "Refunded"]).ShouldBe(Enum.GetNames<Orders.OrderStatus>(), ignoreOrder: true);
        Enum.GetNames<Fulfilment>().Except(["Unknown"]).ShouldBe(Enum.GetNames<Orders.Fulfilment>().Except(["None"]), ignoreOrder: true);
        Enum.GetNames<DeliveryStatus>().Except(["Unknown", "Abandoned"]).ShouldBe(Enum.GetNames<Server.Deliveries.DeliveryState>(), ignoreOrder: true);
        Enum.GetNames<InvoiceKind>().Except(["Unknown"]).ShouldBe(Enum.GetNames<Server.Invoices.InvoiceKind>(), ignoreOrder: true);
    }

    static IEnumerable<string> Constants() => typeof(EventTypes).GetFields().Select(f => (string)f.GetRawConstantValue()!);

    [Fact]
    public void Every_currency_has_the_decimals_that_the_server_gives_it()
    {
        foreach (var currency in Currency.All) new Money(1, currency.Code).Decimals.ShouldBe(currency.Exponent, currency.Code);
        Currency.All.Count().ShouldBeGreaterThan(100);
        (new Money(49_900, "INR").ToString(), new Money(-5, "INR").ToString(), new Money(500, "JPY").ToString(), new Money(1_250, "KWD").ToString())
            .ShouldBe(("INR 499.00", "INR -0.05", "JPY 500", "KWD 1.250"));
        (new Money(100, "INR") * 3 + new Money(1, "INR")).ShouldBe(new Money(301, "INR"));
        Should.Throw<ArgumentException>(() => new Money(1, "INR") + new Money(1, "USD"));
        Should.Throw<OverflowException>(() => new Money(long.MaxValue, "INR") * 2);
    }

    static string Surface()
    {
        var text = new StringBuilder();
        foreach (var type in typeof(PurserClient).Assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(type.IsEnum ? "enum " : type.IsValueType ? "struct " : type.IsAbstract && type.IsSealed ? "static class " : type.IsAbstract ? "abstract class " : "class ")
                .Append(Name(type)).Append(type.BaseType is { } up && up != typeof(object) && !type.IsValueType ? $" : {Name(up)}" : "").Append('\n');
            foreach (var line in type.IsEnum ? Enum.GetNames(type) : [.. Members(type).Order(StringComparer.Ordinal)]) text.Append("  ").Append(Name(type)).Append('.').Append(line).Append('\n');
        }
        return text.ToString();
    }

    static IEnumerable<string> Members(Type type)
    {
        const BindingFlags own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (var made in type.GetConstructors(own)) yield return $"new({Parameters(made)})";
        foreach (var field in type.GetFields(own)) yield return $"{field.Name}: {Name(field.FieldType)}{(field.IsLiteral ? $" = {field.GetRawConstantValue()}" : "")}";
        foreach (var property in type.GetProperties(own).Where(p => p.Name != "EqualityContract"))
            yield return $"{property.Name}: {Name(property.PropertyType)}{(IsNullable(property) ? "?" : "")} {{ get;{(property.SetMethod is { IsPublic: true } set
                ? set.ReturnParameter.GetRequiredCustomModifiers().Length > 0 ? " init;" : " set;" : "")} }}";
        foreach (var method in type.GetMethods(own).Where(m => (!m.IsSpecialName || m.Name is "op_Addition" or "op_Multiply") && !IsOfARecord(m)))
            yield return $"{method.Name}({Parameters(method)}): {Name(method.ReturnType)}";
    }

    static bool IsNullable(PropertyInfo property) => !property.PropertyType.IsValueType && new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable;

    static bool IsOfARecord(MethodInfo method) =>
        method.Name is "Equals" or "GetHashCode" or "Deconstruct" or "<Clone>$" || (method.Name == "ToString" && method.DeclaringType != typeof(Money));

    static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
        $"{(p.IsOut ? "out " : "")}{Name(p.ParameterType.IsByRef ? p.ParameterType.GetElementType()! : p.ParameterType)} {p.Name}" +
        (p.HasDefaultValue ? $" = {(p.ParameterType == typeof(CancellationToken) ? "default" : p.DefaultValue?.ToString() ?? "null")}" : "")));

    static string Name(Type type) => Nullable.GetUnderlyingType(type) is { } inner ? Name(inner) + "?"
        : type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
}
