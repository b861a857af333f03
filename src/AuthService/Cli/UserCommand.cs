using System.CommandLine;
using System.ComponentModel.DataAnnotations;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Features.Roles;
using AuthService.Features.Users;
using AuthService.Http;
using AuthService.Installation;
using AuthService.Passwords;

namespace AuthService.Cli;

/// <summary><c>authservice user create-admin|reset-password</c>: what the operator of the machine may do without signing in.</summary>
internal static class UserCommand
{
    public static Command Create()
    {
        var email = new Option<string>("--email") { Description = "Address of the account.", Required = true };
        var username = new Option<string>("--username") { Description = "User name of the account.", Required = true };
        var create = new Command("create-admin", "Make an administrator with a temporary password.") { email, username };
        create.SetConfiguredAction((result, settings, ct) =>
            CreateAdministratorAsync(result.GetRequiredValue(email), result.GetRequiredValue(username), settings, ct));
        var reset = new Command("reset-password", "Give an account a temporary password and end its sessions.") { email };
        reset.SetConfiguredAction((result, settings, ct) => ResetPasswordAsync(result.GetRequiredValue(email), settings, ct));
        return new Command("user", "Accounts, for the operator.") { create, reset };
    }

    private static Task<int> CreateAdministratorAsync(string email, string username, string[] settings, CancellationToken ct)
    {
        var request = new CreateUserRequest { Email = email, Username = username };
        var invalid = new List<ValidationResult>();
        if (!Validator.TryValidateObject(request, new ValidationContext(request), invalid, validateAllProperties: true))
        {
            throw new SettingsException(string.Join(" ", invalid.Select(i => $"--{i.MemberNames.First().ToLowerInvariant()} is not valid ({i.ErrorMessage}).")));
        }

        return WithPasswordsAsync(settings, (changes, hashing, options) =>
            new CreateUser(changes, hashing, options)
                .ExecuteAsync(request, Caller.CommandLine, [SystemRoles.Administrator, SystemRoles.Everyone], ct), ct);
    }

    private static Task<int> ResetPasswordAsync(string email, string[] settings, CancellationToken ct) =>
        WithPasswordsAsync(settings, (changes, hashing, options) =>
            new ResetPassword(changes, hashing, options).ExecuteAsync(email, Caller.CommandLine, ct), ct);

    private static async Task<int> WithPasswordsAsync(
        string[] settings, Func<Changes, PasswordHashing, PasswordOptions, Task<Outcome<CreatedUser>>> action, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        var options = Settings.Bind<PasswordOptions>(configuration, "Passwords");
        using var hashing = new PasswordHashing(options, TimeProvider.System);
        await using var cache = await installation.StartCacheAsync(ct);
        if ((await action(new Changes(installation.Db, cache.Tiered), hashing, options)).Failed(out var problem, out var user))
        {
            await Console.Error.WriteLineAsync(problem.Title);
            return 1;
        }

        await Console.Out.WriteLineAsync($"Account {user.Id}. Temporary password, to be changed after signing in and before {user.TemporaryPasswordUntil:u}:\n{user.TemporaryPassword}");
        return 0;
    }
}
