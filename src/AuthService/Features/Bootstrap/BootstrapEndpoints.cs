using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Bootstrap;

/// <summary>HTTP surface of an installation's first minute.</summary>
internal static class BootstrapEndpoints
{
    public static void MapBootstrap(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/api/v1/bootstrap", CreateAsync).WithTags("Bootstrap").AllowAnyone().WithSummary("Make the first administrator").MayFail(401, 409).WaitsForNodes();

    private static async Task<Results<Created<BootstrapResponse>, ProblemResult>> CreateAsync(
        BootstrapRequest request, Caller caller, CreateFirstAdministrator create, CancellationToken ct)
    {
        var outcome = await create.WithTokenAsync(request, caller, ct);
        if (outcome.Failed(out var problem, out var administrator)) return problem.ToHttp();
        return TypedResults.Created($"/api/v1/users/{administrator.Id}", administrator);
    }
}
