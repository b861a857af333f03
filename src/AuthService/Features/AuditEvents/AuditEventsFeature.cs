namespace AuthService.Features.AuditEvents;

internal static class AuditEventsFeature
{
    public static IServiceCollection AddAuditEvents(this IServiceCollection services) => services.AddSingleton<ListAuditEvents>();
}
