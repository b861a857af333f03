namespace AuthService.Features.Permissions;

internal static class PermissionsFeature
{
    public static IServiceCollection AddPermissions(this IServiceCollection services) => services
        .AddSingleton<ListPermissions>()
        .AddSingleton<GetPermission>()
        .AddSingleton<CreatePermission>()
        .AddSingleton<UpdatePermission>()
        .AddSingleton<DeletePermission>();
}
