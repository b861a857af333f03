namespace AuthService.Features.Roles;

internal static class RolesFeature
{
    public static IServiceCollection AddRoles(this IServiceCollection services) => services
        .AddSingleton<ListRoles>()
        .AddSingleton<GetRole>()
        .AddSingleton<CreateRole>()
        .AddSingleton<UpdateRole>()
        .AddSingleton<DeleteRole>()
        .AddSingleton<RolePermissions>();
}
