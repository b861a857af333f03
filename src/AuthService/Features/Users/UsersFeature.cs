namespace AuthService.Features.Users;

internal static class UsersFeature
{
    public static IServiceCollection AddUsers(this IServiceCollection services) => services
        .AddSingleton<ListUsers>()
        .AddSingleton<ExportUsers>()
        .AddSingleton<GetUser>()
        .AddSingleton<CreateUser>()
        .AddSingleton<BulkUsers>()
        .AddSingleton<UpdateUser>()
        .AddSingleton<SetUserStatus>()
        .AddSingleton<UnlockPassword>()
        .AddSingleton<UserRoles>();
}
