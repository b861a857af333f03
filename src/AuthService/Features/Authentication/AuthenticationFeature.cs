using AuthService.Installation;

namespace AuthService.Features.Authentication;

internal static class AuthenticationFeature
{
    public static IServiceCollection AddAuthenticationFeature(this IServiceCollection services, IConfiguration configuration) => services
        .AddSingleton(Settings.Bind<RegistrationOptions>(configuration, "Registration"))
        .AddSingleton<Register>()
        .AddSingleton<KnownDevices>()
        .AddSingleton<PasswordAttempts>()
        .AddSingleton<LogIn>()
        .AddSingleton<ChangePassword>()
        .AddSingleton<RequestAccountMail>()
        .AddSingleton<ReplaceForgottenPassword>()
        .AddSingleton<VerifyEmail>();
}
