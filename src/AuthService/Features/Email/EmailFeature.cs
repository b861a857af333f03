using AuthService.Database;
using AuthService.Installation;
using AuthService.Jobs;

namespace AuthService.Features.Email;

internal static class EmailFeature
{
    /// <exception cref="SettingsException">The options or a template can't be used.</exception>
    public static IServiceCollection AddEmail(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Settings.Bind<EmailOptions>(configuration, "Email");
        services.AddSingleton(options).AddSingleton(new MailTemplates(options)).AddSingleton<AccountMails>();
        if (options.Transport == EmailTransport.Smtp) services.AddSingleton<IEmailTransport, SmtpTransport>();
        else services.AddSingleton<IEmailTransport>(provider => new FolderTransport(options, FolderOf(options, configuration), provider.GetRequiredService<TimeProvider>()));
        return services.AddJob<SendAccountMail>().AddRecurringJob<PurgeEmailTokens>();
    }

    /// <summary>Where mails are that are files; null: they aren't.</summary>
    public static string? FolderOf(IConfiguration configuration)
    {
        var options = Settings.Bind<EmailOptions>(configuration, "Email");
        return options.Transport == EmailTransport.File ? Path.GetFullPath(FolderOf(options, configuration)) : null;
    }

    private static string FolderOf(EmailOptions options, IConfiguration configuration) =>
        options.Folder ?? Path.Combine(Settings.Bind<DatabaseOptions>(configuration, "Database").DataFolder, "mail");
}
