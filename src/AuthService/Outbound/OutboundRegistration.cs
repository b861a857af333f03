using AuthService.Installation;

namespace AuthService.Outbound;

internal static class OutboundRegistration
{
    public static IServiceCollection AddOutbound(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Settings.Bind<OutboundOptions>(configuration, "Outbound");
        if (ReachableAddresses.TryParse(options.AllowedNetworks, out var reachable)) services.AddSingleton(reachable);   // Bind has refused any other
        return services
            .AddSingleton(options)
            .AddSingleton<IHostAddresses, SystemHostAddresses>()
            .AddSingleton<OutboundDialer>()
            .AddSingleton<OutboundMetrics>()
            .AddSingleton<OutboundHttp>();
    }
}
