using AuthService.Client;
using AuthService.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AuthService.Features.SystemSettings;

/// <summary>HTTP surface of the installation's settings.</summary>
internal static class SystemSettingsEndpoints
{
    public static void MapSystemSettings(this IEndpointRouteBuilder routes)
    {
        var settings = routes.MapGroup("/api/v1/settings").WithTags("Settings");
        settings.MapGet("/{key}", GetAsync).RequirePermission(OwnPermissions.SettingsRead).WithSummary("One setting");
        settings.MapPut("/{key}", PutAsync).RequirePermission(OwnPermissions.SettingsWrite).WithSummary("Write a setting").WaitsForNodes();
    }

    private static async Task<Results<Ok<SettingInfo>, ProblemResult>> GetAsync(string key, GetSetting get, CancellationToken ct) =>
        (await get.ExecuteAsync(key, ct)).Failed(out var problem, out var setting) ? problem.ToHttp() : TypedResults.Ok(setting);

    private static async Task<Results<Ok<SettingInfo>, ProblemResult>> PutAsync(
        string key, PutSettingRequest request, Caller caller, PutSetting put, CancellationToken ct) =>
        (await put.ExecuteAsync(caller, key, request.Value!.Value, ct)).Failed(out var problem, out var setting) ? problem.ToHttp() : TypedResults.Ok(setting);
}
