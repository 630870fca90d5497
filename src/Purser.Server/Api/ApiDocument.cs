using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Purser.Server.Platform;

namespace Purser.Server.Api;

/// <summary>The OpenAPI document, made from the endpoints themselves: their paths, their <see cref="ApiOperation"/>s, and the records that they
/// read and write. A test writes it to docs/openapi.json and compares; the server only hands that file out.</summary>
public static class ApiDocument
{
    static readonly string[] Tags = ["Orders", "Payments", "Refunds", "Invoices", "Products", "Gateways", "Events", "Outgoing webhooks", "Discrepancies", "Settlements", "Gateway news", "Books"];

    const string Introduction =
        "Place an order, start a payment, send the shopper to its link, and hear what came of it. Amounts are whole numbers in minor units of the " +
        "currency. Times are in UTC. Every POST takes an `Idempotency-Key`. Errors are `application/problem+json` with a stable `type`, the field at " +
        "fault and what to do.";

    public static JsonObject Of(IEnumerable<Endpoint> endpoints, string version)
    {
        var schemas = new SortedDictionary<string, JsonNode>(StringComparer.Ordinal) { ["Problem"] = ProblemSchema() };
        var paths = new JsonObject();
        var routes = endpoints.OfType<RouteEndpoint>().Where(e => e.Metadata.GetMetadata<ApiOperation>() is not null)
            .OrderBy(e => Array.IndexOf(Tags, e.Metadata.GetMetadata<ApiOperation>()!.Tag)).ThenBy(e => e.RoutePattern.RawText, StringComparer.Ordinal);
        foreach (var route in routes)
        {
            var path = route.RoutePattern.RawText!;
            if (paths[path] is not JsonObject item) paths[path] = item = [];
            foreach (var method in route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
                item[method.ToLowerInvariant()] = Operation(route, route.Metadata.GetMetadata<ApiOperation>()!, schemas);
        }
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Purser", ["version"] = version, ["description"] = Introduction },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
            ["tags"] = new JsonArray([.. Tags.Select(tag => new JsonObject { ["name"] = tag })]),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject
                {
                    ["secretKey"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "A secret key, `sk_...`: for your backend only." },
                    ["publishableKey"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "A publishable key, `pk_...`: for pages." },
                    ["token"] = new JsonObject
                    {
                        ["type"] = "apiKey",
                        ["in"] = "header",
                        ["name"] = ApiDoor.TokenHeader,
                        ["description"] = "The token of one order, from the order's own answer. Also taken as `?token=`.",
                    },
                },
                ["schemas"] = new JsonObject([.. schemas.Select(s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value))]),
            },
        };
    }

    static JsonObject Operation(RouteEndpoint route, ApiOperation operation, SortedDictionary<string, JsonNode> schemas)
    {
        var result = new JsonObject { ["operationId"] = operation.Id, ["tags"] = new JsonArray(operation.Tag), ["summary"] = operation.Summary };
        if (operation.Description is { } description) result["description"] = description;
        result["security"] = Security(operation.Access);
        var parameters = Parameters(route, operation);
        if (parameters.Count > 0) result["parameters"] = parameters;
        if (operation.Body is { } body)
            result["requestBody"] = new JsonObject
            {
                ["required"] = !operation.BodyIsOptional,
                ["content"] = new JsonObject
                {
                    ["application/json"] = new JsonObject
                    {
                        ["schema"] = Schema(body, schemas),
                        ["examples"] = new JsonObject([.. operation.Examples.Select(e =>
                            KeyValuePair.Create(e.Name, (JsonNode?)new JsonObject { ["value"] = JsonNode.Parse(e.Json) }))]),
                    },
                },
            };
        result["responses"] = Responses(operation, schemas);
        return result;
    }

    static JsonArray Security(Access access)
    {
        static JsonObject Scheme(string name) => new() { [name] = new JsonArray() };
        return access switch
        {
            Access.Secret => [Scheme("secretKey")],
            Access.AnyKey => [Scheme("secretKey"), Scheme("publishableKey")],
            _ => [Scheme("secretKey"), Scheme("token")],
        };
    }

    static JsonArray Parameters(RouteEndpoint route, ApiOperation operation)
    {
        var parameters = new JsonArray();
        foreach (var parameter in route.RoutePattern.Parameters)
            parameters.Add(new JsonObject
            {
                ["name"] = parameter.Name,
                ["in"] = "path",
                ["required"] = true,
                ["schema"] = new JsonObject { ["type"] = "string" },
            });
        foreach (var parameter in operation.Query)
        {
            var schema = parameter.Type == "date-time"
                ? new JsonObject { ["type"] = "string", ["format"] = "date-time" }
                : new JsonObject { ["type"] = parameter.Type };
            var query = new JsonObject { ["name"] = parameter.Name, ["in"] = "query", ["description"] = parameter.Meaning, ["schema"] = schema };
            if (parameter.Example is { } example) query["example"] = example;
            parameters.Add(query);
        }
        if (operation.TakesKey)
            parameters.Add(new JsonObject
            {
                ["name"] = IdempotencyKey.Header,
                ["in"] = "header",
                ["description"] = "Makes the request safe to send again. 1 to 255 printable characters." + (operation.Access != Access.AnyKey ? "" :
                    $" A publishable key must send it, with at least {IdempotencyKey.ShortestSecret} characters drawn by chance, such as a UUID: whoever knows it gets the order."),
                ["schema"] = new JsonObject { ["type"] = "string", ["maxLength"] = IdempotencyKey.Longest },
                ["example"] = "5f0c7a52-6a0e-4f59-8a3a-0d6c5c1f6a1e",
            });
        return parameters;
    }

    static JsonObject Responses(ApiOperation operation, SortedDictionary<string, JsonNode> schemas)
    {
        var responses = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        if (operation.Socket is { } opened) responses["101"] = new JsonObject { ["description"] = opened };
        foreach (var answer in operation.Answers)
            responses[$"{answer.Status}"] = new JsonObject
            {
                ["description"] = answer.Meaning,
                ["content"] = new JsonObject
                {
                    ["application/json"] = new JsonObject { ["schema"] = Schema(answer.Body, schemas), ["example"] = JsonNode.Parse(answer.Example) },
                },
            };
        foreach (var group in operation.Texts.GroupBy(t => t.Status))
            responses[$"{group.Key}"] = new JsonObject
            {
                ["description"] = string.Join(" Or: ", group.Select(t => t.Meaning)),
                ["content"] = new JsonObject([.. group.Select(t => KeyValuePair.Create(t.MediaType,
                    (JsonNode?)new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" }, ["example"] = t.Example }))]),
            };
        ProblemType[] everywhere = [ProblemTypes.KeyUnknown, ProblemTypes.TooManyRequests, ProblemTypes.Busy];
        foreach (var group in operation.Problems.Concat(everywhere).Distinct().GroupBy(p => p.Status))
            responses[$"{group.Key}"] = new JsonObject
            {
                ["description"] = string.Join(" Or: ", group.Select(p => p.Title)),
                ["content"] = new JsonObject
                {
                    [Problem.MediaType] = new JsonObject
                    {
                        ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Problem" },
                        ["examples"] = new JsonObject([.. group.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)new JsonObject { ["value"] = Example(p) }))]),
                    },
                },
            };
        return new JsonObject(responses);
    }

    static JsonObject Example(ProblemType type)
    {
        var example = new JsonObject { ["type"] = type.Path, ["title"] = type.Title, ["status"] = type.Status, ["detail"] = type.Meaning };
        if (type.Field is not null) example["field"] = type.Field;
        example["remedy"] = type.Remedy;
        example["errors"] = new JsonArray([.. new Problem(type).Errors.Select(e => new JsonObject { ["field"] = e.Field, ["detail"] = e.Detail, ["remedy"] = e.Remedy })]);
        return example;
    }

    /// <summary>The record's schema, kept by its name and pointed to.</summary>
    static JsonObject Schema(Type type, SortedDictionary<string, JsonNode> schemas)
    {
        if (!schemas.ContainsKey(type.Name))
        {
            schemas[type.Name] = new JsonObject();
            schemas[type.Name] = ApiJson.Default.Options.GetJsonSchemaAsNode(type, new JsonSchemaExporterOptions
            {
                TreatNullObliviousAsNonNullable = true,
                TransformSchemaNode = (context, schema) => Describe(context, schema, type, schemas),
            });
        }
        return new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
    }

    static JsonObject Describe(JsonSchemaExporterContext context, JsonNode schema, Type root, SortedDictionary<string, JsonNode> schemas)
    {
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        if (schema is not JsonObject node) return new JsonObject();
        var nullable = node["type"] is JsonArray types && types.Any(t => (string?)t == "null");
        // Records of ours stand on their own and are pointed to.
        if (type != root && type.Namespace?.StartsWith("Purser", StringComparison.Ordinal) is true && context.TypeInfo.Kind == System.Text.Json.Serialization.Metadata.JsonTypeInfoKind.Object)
        {
            var reference = Schema(type, schemas);
            node = nullable ? new JsonObject { ["anyOf"] = new JsonArray(reference, new JsonObject { ["type"] = "null" }) } : reference;
        }
        var description = context.PropertyInfo?.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), false).OfType<DescriptionAttribute>().FirstOrDefault();
        if (description is not null) node["description"] = description.Description;
        return node;
    }

    static JsonNode ProblemSchema() => JsonNode.Parse("""
        {"type": "object", "required": ["type", "title", "status", "detail", "remedy", "errors"], "properties": {
          "type": {"type": "string", "description": "Stable: programs may decide by it. It can be read at this address."},
          "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string", "description": "What is wrong with this request."},
          "field": {"type": "string", "description": "The field, parameter or header at fault."},
          "remedy": {"type": "string", "description": "What to do."},
          "resource": {"type": "string", "description": "The order or payment that it is about."},
          "trace_id": {"type": "string", "description": "For the operator, with a status of 500."},
          "errors": {"type": "array", "items": {"type": "object", "required": ["field", "detail", "remedy"], "properties": {
            "field": {"type": "string"}, "detail": {"type": "string"}, "remedy": {"type": "string"}}}}}}
        """)!;

    static readonly JsonSerializerOptions Written = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
    };

    public static string Text(JsonObject document) => document.ToJsonString(Written) + "\n";
}
