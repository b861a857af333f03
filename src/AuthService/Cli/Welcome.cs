using AuthService.Features.Bootstrap;
using AuthService.Features.Email;
using AuthService.Passwords;

namespace AuthService.Cli;

/// <summary>What a person needs at the first start: the address, how to become the administrator, and lines to paste.</summary>
internal static class Welcome
{
    public static async Task PrintAsync(string address, CreateFirstAdministrator create, IConfiguration configuration, CancellationToken ct)
    {
        address = address.Replace("[::]", "127.0.0.1", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal);
        await Console.Out.WriteLineAsync($"\nAuthService is ready: {address}   (try it out at {address}/docs)");
        if (EmailFeature.FolderOf(configuration) is { } folder) await Console.Out.WriteLineAsync($"Mails are written into {folder} (Email:Transport=Smtp sends them).");
        await Console.Out.WriteLineAsync();

        if (await create.NewTokenAsync(ct) is not { } token)
        {
            await Console.Out.WriteLineAsync("Sign in as an administrator with POST /api/v1/auth/login.\n");
            return;
        }

        var suggestion = TemporaryPassword.Create();
        await Console.Out.WriteLineAsync($$"""
            There is no administrator yet. These three lines make one, sign in, and ask what it may do. The token works once and
            for 24 hours; choose your own address and password if you like.

            curl -s {{address}}/api/v1/bootstrap -H 'Content-Type: application/json' -d '{"token":"{{token}}","email":"admin@example.com","password":"{{suggestion}}"}'
            TOKEN=$(curl -s {{address}}/api/v1/auth/login -H 'Content-Type: application/json' -d '{"email":"admin@example.com","password":"{{suggestion}}"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
            curl -s {{address}}/api/v1/me/permissions -H "Authorization: Bearer $TOKEN"

            """);
    }
}
