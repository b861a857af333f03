using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace AuthService.Http;

/// <summary>Statuses an operation may answer besides those that follow from its access rule, its path and its body.</summary>
internal sealed record Failures(int[] Statuses);

/// <summary>Marks an operation that waits until every node has heard of its change.</summary>
internal sealed record NodesWaitedFor;

/// <summary>The description of the API, made from the routes themselves: which access rule each states, and what it may answer.</summary>
internal static class OpenApi
{
    /// <summary>Extension that names the permission an operation asks for.</summary>
    public const string PermissionExtension = "x-permission";

    private const string BearerScheme = "bearer";

    private static readonly Dictionary<int, string> Meanings = new()
    {
        [401] = "The credentials are not valid",
        [403] = "Not permitted",
        [404] = "No such object, or none that the caller may know of",
        [409] = "Not as things stand; see code",
        [429] = "More of these than one client address, or one session, may send; see Retry-After",
        [412] = "The object has changed since the version in If-Match",
    };

    public static TBuilder MayFail<TBuilder>(this TBuilder builder, params int[] statuses) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new Failures(statuses));

    /// <summary>The operation changes what nodes have cached: it answers when no node is left that goes by the old state, or 202 if asked to hurry.</summary>
    public static TBuilder WaitsForNodes<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new NodesWaitedFor());

    public static void AddApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer(DescribeAsync);
        options.AddOperationTransformer(SecureAsync);
    });

    private static Task DescribeAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.Info = new OpenApiInfo
        {
            Title = "AuthService",
            Version = "v1",
            Description = "Accounts, sessions, roles and permissions. Errors are RFC 9457 problem details with a stable code.",
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
        document.Components.SecuritySchemes[BearerScheme] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "JWT",
            Description = "access_token of POST /api/v1/auth/login",
        };
        return Task.CompletedTask;
    }

    private static Task SecureAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var access = context.Description.ActionDescriptor.EndpointMetadata.OfType<Access>().LastOrDefault();
        operation.Responses ??= [];
        foreach (var status in context.Description.ActionDescriptor.EndpointMetadata.OfType<Failures>().SelectMany(m => m.Statuses)) Add(status, Meanings[status]);
        if (context.Description.RelativePath?.Contains('{', StringComparison.Ordinal) == true) Add(404, Meanings[404]);
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<NodesWaitedFor>().Any()) Add(202, "Made, and told to the other nodes, which may not all have heard of it (Prefer: respond-async)");
        Add(503, "Busy, or the database can't be reached; see Retry-After");
        if (operation.RequestBody is not null)
        {
            Add(413, "The body is larger than this installation takes");
            Add(415, "The body is not application/json");
            Add(422, "Members of the body are not valid; see errors");
        }

        if (access is not { NeedsSession: true }) return Task.CompletedTask;
        operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerScheme, context.Document)] = [] }];
        Add(401, "No valid access token");
        Add(403, Meanings[403]);
        if (access.Permission is null) return Task.CompletedTask;
        operation.Extensions ??= new Dictionary<string, IOpenApiExtension>(StringComparer.Ordinal);
        operation.Extensions[PermissionExtension] = new JsonNodeExtension(JsonValue.Create(access.Permission));
        return Task.CompletedTask;

        void Add(int status, string description) =>
            operation.Responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), new OpenApiResponse { Description = description });
    }
}
