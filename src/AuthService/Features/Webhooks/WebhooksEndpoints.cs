using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.Webhooks;

/// <summary>HTTP surface of webhooks. Who sets one decides what this service calls and who learns of every account's rights: <c>system:admin</c>.</summary>
internal static class WebhooksEndpoints
{
    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/api/v1/webhooks").WithTags("Webhooks").RequirePermission(OwnPermissions.SystemAdmin);
        webhooks.MapGet("", ListAsync).WithSummary("All webhooks");
        webhooks.MapPost("", CreateAsync).WithSummary("Make a webhook; its secret is in the answer and nowhere else").MayFail(409);
        webhooks.MapGet("/{id:long}", GetAsync).WithSummary("One webhook");
        webhooks.MapPatch("/{id:long}", UpdateAsync).WithSummary("Change a webhook, or switch it on or off").MayFail(412);
        webhooks.MapDelete("/{id:long}", DeleteAsync).WithSummary("Delete a webhook and the log of its deliveries").MayFail(412);
        webhooks.MapPost("/{id:long}/rotate-secret", RotateAsync).WithSummary("Give a webhook another secret; for a day the one before signs as well");
        webhooks.MapPost("/{id:long}/test", TestAsync).WithSummary("Send a webhook an event that means nothing").MayFail(409);
        webhooks.MapGet("/{id:long}/deliveries", DeliveriesAsync).WithSummary("Tries of the last 7 days, newest first");
    }

    private static async Task<Ok<WebhookList>> ListAsync(ListWebhooks list, CancellationToken ct) => TypedResults.Ok(await list.ExecuteAsync(ct));

    private static async Task<Results<Created<CreatedWebhook>, ProblemResult>> CreateAsync(CreateWebhookRequest request, Caller caller, CreateWebhook create, CancellationToken ct)
    {
        if ((await create.ExecuteAsync(caller, request, ct)).Failed(out var problem, out var created)) return problem.ToHttp();
        return TypedResults.Created($"/api/v1/webhooks/{created.Id}", created);
    }

    private static async Task<Results<Ok<WebhookInfo>, ProblemResult>> GetAsync(long id, GetWebhook get, HttpResponse response, CancellationToken ct)
    {
        if ((await get.ExecuteAsync(id, ct)).Failed(out var problem, out var found)) return problem.ToHttp();
        response.SetVersion(found.Version);   // and no 304: since when it fails and what switched it off is not of its version
        return TypedResults.Ok(found.Webhook);
    }

    private static async Task<Results<Ok<WebhookInfo>, ProblemResult>> UpdateAsync(
        long id, UpdateWebhookRequest request, IfMatch ifMatch, Caller caller, UpdateWebhook update, HttpResponse response, CancellationToken ct)
    {
        if ((await update.ExecuteAsync(caller, id, ifMatch, request, ct)).Failed(out var problem, out var found)) return problem.ToHttp();
        response.SetVersion(found.Version);
        return TypedResults.Ok(found.Webhook);
    }

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(long id, IfMatch ifMatch, Caller caller, DeleteWebhook delete, CancellationToken ct) =>
        await delete.ExecuteAsync(caller, id, ifMatch, ct) is { } problem ? problem.ToHttp() : TypedResults.NoContent();

    private static async Task<Results<Ok<RotatedWebhookSecret>, ProblemResult>> RotateAsync(long id, Caller caller, RotateWebhookSecret rotate, CancellationToken ct) =>
        (await rotate.ExecuteAsync(caller, id, ct)).Failed(out var problem, out var rotated) ? problem.ToHttp() : TypedResults.Ok(rotated);

    private static async Task<Results<Accepted<WebhookTest>, ProblemResult>> TestAsync(long id, TestWebhook test, CancellationToken ct) =>
        (await test.ExecuteAsync(id, ct)).Failed(out var problem, out var sent) ? problem.ToHttp() : TypedResults.Accepted((string?)null, sent);

    private static async Task<Results<Ok<Page<WebhookDelivery>>, ProblemResult>> DeliveriesAsync(
        long id, string? sort, [AsParameters] Paging paging, ListDeliveries list, HttpContext context, CancellationToken ct)
    {
        if ((await list.ExecuteAsync(id, sort, paging, ct)).Failed(out var problem, out var page)) return problem.ToHttp();
        Paging.Link(context, page);
        return TypedResults.Ok(page);
    }
}
