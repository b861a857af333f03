using AuthService.Jobs;

namespace AuthService.Features.Webhooks;

internal static class WebhooksFeature
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services) => services
        .AddSingleton<WebhookSecrets>()
        .AddSingleton<ListWebhooks>()
        .AddSingleton<GetWebhook>()
        .AddSingleton<CreateWebhook>()
        .AddSingleton<UpdateWebhook>()
        .AddSingleton<DeleteWebhook>()
        .AddSingleton<RotateWebhookSecret>()
        .AddSingleton<TestWebhook>()
        .AddSingleton<ListDeliveries>()
        .AddSingleton<DispatchChanges>()
        .AddHostedService(provider => provider.GetRequiredService<DispatchChanges>())
        .AddJob<DeliverWebhook>()
        .AddRecurringJob<PurgeDeliveries>();
}
