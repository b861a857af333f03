using AuthService.Installation;

namespace AuthService.Features.Bootstrap;

/// <summary>Makes the administrator that the environment names, if there is none yet, before the node takes requests: whoever finds it ready can sign in.</summary>
internal sealed class AdministratorOfTheEnvironment(CreateFirstAdministrator create, IConfiguration configuration) : IHostedService
{
    private const string EmailVariable = "AUTH_BOOTSTRAP_ADMIN_EMAIL";
    private const string PasswordVariable = "AUTH_BOOTSTRAP_ADMIN_PASSWORD";

    /// <exception cref="SettingsException">It can't be made.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (email, password) = (configuration[EmailVariable], configuration[PasswordVariable]);
        if (string.IsNullOrEmpty(email) || string.IsNullOrEmpty(password) || await create.ExistsAsync(cancellationToken)) return;
        var outcome = await create.AsOperatorAsync(email, password, cancellationToken);
        // Another node may have been first; then there is an administrator, which is what was asked for.
        if (!outcome.Failed(out var problem, out _) || await create.ExistsAsync(cancellationToken)) return;
        var why = string.Join(" ", problem.Errors.Select(e => e.Detail).Prepend(problem.Title));
        throw new SettingsException($"{EmailVariable} and {PasswordVariable} don't make an administrator: {why}");
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
