using System.Globalization;
using System.Text.Json.Serialization;
using AuthService.Http;
using AuthService.Tokens;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.SigningKeys;

/// <summary>What others need to verify our access tokens: public keys (RFC 7517) and metadata (RFC 8414).</summary>
internal static class SigningKeysEndpoints
{
    public static void MapSigningKeys(this IEndpointRouteBuilder routes)
    {
        var wellKnown = routes.MapGroup("/.well-known").WithTags("Discovery").AllowAnyone();
        wellKnown.MapGet("/jwks.json", Jwks).WithSummary("Public keys of access tokens").Produces(200, contentType: "application/jwk-set+json");
        wellKnown.MapGet("/oauth-authorization-server", Metadata).WithSummary("Metadata of this authorization server");
    }

    private static Results<FileContentHttpResult, EmptyHttpResult> Jwks(SigningKeyRing ring, TokenOptions options, HttpResponse response)
    {
        var isKnown = response.IsKnownToClient(ETags.Of(ring.Current.Jwks.Span));
        Cacheable(response, options);
        if (isKnown) return TypedResults.Empty;
        return TypedResults.Bytes(ring.Current.Jwks, "application/jwk-set+json");
    }

    private static Ok<ServerMetadata> Metadata(TokenOptions options, HttpResponse response)
    {
        Cacheable(response, options);
        return TypedResults.Ok(new ServerMetadata(
            options.Issuer, options.Issuer + "/.well-known/jwks.json", options.Issuer + "/api/v1/auth/login",
            options.Issuer + "/openapi/v1.json", [], [Es256Key.Algorithm]));
    }

    private static void Cacheable(HttpResponse response, TokenOptions options) =>
        response.Headers.CacheControl = string.Create(CultureInfo.InvariantCulture, $"public, max-age={(int)options.JwksMaxAge.TotalSeconds}");

    /// <param name="TokenEndpoint">Takes JSON, not the form of RFC 6749: this service is its own only client.</param>
    internal sealed record ServerMetadata(
        string Issuer, string JwksUri, string TokenEndpoint, string ServiceDocumentation,
        [property: JsonPropertyName("response_types_supported")] string[] ResponseTypesSupported,
        [property: JsonPropertyName("access_token_signing_alg_values_supported")] string[] SigningAlgorithms);
}
