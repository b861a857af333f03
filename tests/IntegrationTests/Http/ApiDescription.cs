using System.Text.Json.Nodes;

namespace IntegrationTests.Http;

/// <summary>What a node says its API is: the source of every test that must hold for all operations, also those of next year.</summary>
internal sealed class ApiDescription(JsonNode document)
{
    public static async Task<ApiDescription> OfAsync(Node node, CancellationToken ct) =>
        new((await node.Http.GetFromJsonAsync<JsonNode>("/openapi/v1.json", ct))!);

    public JsonNode Document => document;

    public IReadOnlyList<Operation> Operations { get; } =
    [
        .. from path in document["paths"]!.AsObject()
           from operation in path.Value!.AsObject()
           select new Operation(new HttpMethod(operation.Key.ToUpperInvariant()), path.Key, operation.Value!, document),
    ];
}

/// <summary>One operation of the description.</summary>
internal sealed record Operation(HttpMethod Method, string Path, JsonNode Description, JsonNode Document)
{
    public bool NeedsSession => Description["security"] is JsonArray { Count: > 0 };
    public string? Permission => (string?)Description["x-permission"];
    /// <summary>What the operation says it may answer.</summary>
    public IReadOnlyList<int> Statuses => [.. Description["responses"]!.AsObject().Select(r => int.Parse(r.Key, System.Globalization.CultureInfo.InvariantCulture))];

    public bool HasObject => Path.Contains('{', StringComparison.Ordinal);

    /// <summary>Members of the body: name and schema. Null: takes no body.</summary>
    public IReadOnlyDictionary<string, JsonNode>? Members => Body?["properties"]?.AsObject().ToDictionary(p => p.Key, p => p.Value!, StringComparer.Ordinal);

    public IReadOnlyList<string> Required => [.. (Body?["required"] as JsonArray ?? []).Select(r => (string)r!)];

    /// <summary>Query parameters: name and schema.</summary>
    public IReadOnlyDictionary<string, JsonNode> Query => (Description["parameters"] as JsonArray ?? [])
        .Where(p => (string?)p!["in"] == "query").ToDictionary(p => (string)p!["name"]!, p => p!["schema"]!, StringComparer.Ordinal);

    public override string ToString() => $"{Method} {Path}";

    /// <summary>The JSON types a schema takes, such as <c>["null", "string"]</c>.</summary>
    public IReadOnlyList<string> TypesOf(JsonNode schema)
    {
        schema = Resolve(schema);
        return schema["type"] is JsonArray types ? [.. types.Select(t => (string)t!)] : [(string?)schema["type"] ?? "object"];
    }

    /// <summary>Whether a schema takes any JSON.</summary>
    public bool TakesAnything(JsonNode schema) => Resolve(schema) is { } resolved && resolved["type"] is null && resolved["properties"] is null;

    /// <summary>A body that is taken, made of <see cref="Samples"/>; null where the operation takes none.</summary>
    public JsonObject? ValidBody()
    {
        if (Members is not { } members) return null;
        var body = new JsonObject();
        foreach (var name in members.Keys) body[name] = Samples.Of(this, name);
        return body;
    }

    private JsonNode? Body => Description["requestBody"]?["content"]?["application/json"]?["schema"] is { } schema ? Resolve(schema) : null;

    private JsonNode Resolve(JsonNode schema)
    {
        while ((string?)schema["$ref"] is { } reference)
        {
            schema = reference.Split('/').Skip(1).Aggregate(Document, (node, part) => node[part]!);
        }

        return schema;
    }
}

/// <summary>A value each body member takes. A new member needs one here: the tests over all operations say so.</summary>
internal static class Samples
{
    private static int _count;

    public static JsonNode? Of(Operation operation, string member) => member switch
    {
        // A new name takes system:admin on top of the operation's permission.
        "resource" or "action" when operation.Method == HttpMethod.Patch => null,
        "email" => $"sample{Interlocked.Increment(ref _count)}@example.org",
        "username" => $"sample{Interlocked.Increment(ref _count)}",
        "password" or "new_password" or "current_password" => Account.StandardPassword,
        "display_name" => "Some One",
        "phone" => "+49 30 1234",
        "avatar_url" => "https://example.org/a.png",
        "name" => $"role{Interlocked.Increment(ref _count)}",
        "resource" => $"things{Interlocked.Increment(ref _count)}",
        "action" => "read",
        "description" => "For a test.",
        "token" or "refresh_token" => "not-one-of-ours",
        "user_id" => null,   // the caller
        "value" => new JsonObject { ["text"] = "a", ["number"] = 1 },
        "users" => new JsonArray(new JsonObject { ["email"] = $"sample{Interlocked.Increment(ref _count)}@example.org", ["username"] = $"sample{_count}" }),
        "all_or_nothing" => false,
        "key" => "permissions:user:1",
        "tag" => "stats:things",
        "role_id" or "prefix" or "event" or "all" => null,   // one target only
        "requeue_kind" => "*",
        "requeue" or "discard" or "run" => null,   // one thing only
        "at_least" or "consistency" => null,   // of any state, by the lease
        "url" => "https://hooks.example.org/",
        "events" => new JsonArray("*"),
        "is_active" => true,
        "permission" => "users:read",
        "checks" => new JsonArray(new JsonObject { ["permission"] = "users:read" }),
        _ => throw new InvalidOperationException($"{operation} takes a member '{member}': say in Samples what a valid one is."),
    };
}
