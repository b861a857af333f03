namespace AuthService.Http;

/// <summary>What a route is like, for those who watch requests and know nothing of features.</summary>
internal static class RouteTraits
{
    private sealed record OftenAskedTrait;

    private sealed record StreamTrait;

    private sealed record CompressibleTrait;

    /// <summary>Thousands of times a second, and nobody wants to read of each: what goes well there is logged only if <c>Http:RequestLog</c> is <c>All</c>.</summary>
    public static TBuilder OftenAsked<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new OftenAskedTrait());

    /// <summary>Its answers last as long as the client likes: none of them is slow.</summary>
    public static TBuilder Streams<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new StreamTrait());

    /// <summary>Its answers are large and hold no secret, nor ever will: who sees only the length of a compressed answer can guess at what stands in it beside his own words (BREACH).</summary>
    public static TBuilder MayBeCompressed<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new CompressibleTrait());

    public static bool IsOftenAsked(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<OftenAskedTrait>() is not null;

    public static bool IsStream(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<StreamTrait>() is not null;

    public static bool IsCompressible(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<CompressibleTrait>() is not null;
}
