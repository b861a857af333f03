using System.CommandLine;
using AuthService.Caching;
using AuthService.Http;
using AuthService.Installation;
using AuthService.Tokens;

namespace AuthService.Cli;

/// <summary><c>authservice keys list|rotate|distrust</c>.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var kid = new Argument<string>("kid") { Description = "The key, as 'keys list' names it." };
        var list = new Command("list", "The keys that sign access tokens, and their states.");
        list.SetConfiguredAction((settings, ct) => WithKeysAsync(settings, ListAsync, ct));
        var rotate = new Command("rotate", "Let the next key take over as soon as every verifier can have it.");
        rotate.SetConfiguredAction((settings, ct) => WithKeysAsync(settings, RotateAsync, ct));
        var distrust = new Command("distrust", "Refuse everything a key has signed, at once. For a key that has leaked.") { kid };
        distrust.SetConfiguredAction((result, settings, ct) =>
            WithKeysAsync(settings, (keys, token) => DistrustAsync(keys, result.GetRequiredValue(kid), token), ct));
        return new Command("keys", "Signing keys of access tokens.") { list, rotate, distrust };
    }

    private static async Task<int> WithKeysAsync(string[] settings, Func<Keys, CancellationToken, Task<int>> action, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        var options = installation.BindTokens();
        return await action(new Keys(installation, options), ct);
    }

    private static async Task<int> ListAsync(Keys keys, CancellationToken ct)
    {
        // Plain columns: a table would break the names at the width of the terminal, and they are there to be copied.
        await Console.Out.WriteLineAsync($"{"kid",-43}  {"alg",-5}  {"state",-10}  {"published",-20}  {"signs from",-20}  distrusted");
        foreach (var key in await new ListSigningKeys(keys.Installation.Db, keys.Options).ExecuteAsync(ct))
        {
            await Console.Out.WriteLineAsync(
                $"{key.Kid,-43}  {key.Algorithm,-5}  {key.State,-10}  {Text(key.PublishedAt),-20}  {Text(key.ActiveFrom),-20}  {Text(key.DistrustedAt)}");
        }

        return 0;
    }

    private static async Task<int> RotateAsync(Keys keys, CancellationToken ct)
    {
        var rotation = await new RotateSigningKey(keys.Installation.Db, await EnsureAsync(keys, ct), keys.Options).ExecuteAsync(Caller.CommandLine, ct);
        await Console.Out.WriteLineAsync($"{rotation.Kid} signs from {Text(rotation.TakesEffectAt)}{(rotation.WasScheduled ? " (as scheduled before)" : "")}");
        return 0;
    }

    private static async Task<int> DistrustAsync(Keys keys, string kid, CancellationToken ct)
    {
        await using var cache = await keys.Installation.StartCacheAsync(ct);
        var outcome = await new DistrustSigningKey(new Changes(keys.Installation.Db, cache.Tiered), await EnsureAsync(keys, ct)).ExecuteAsync(kid, Caller.CommandLine, ct);
        if (outcome.Failed(out var problem, out var distrust))
        {
            await Console.Error.WriteLineAsync(problem.Title);
            return 1;
        }

        await Console.Out.WriteLineAsync($"{kid} is distrusted; {distrust.ActiveKid} signs. No running node accepts it any more.");
        return 0;
    }

    private static async Task<EnsureSigningKeys> EnsureAsync(Keys keys, CancellationToken ct)
    {
        var seal = new SigningKeySeal(await keys.Installation.ReadMasterKeyAsync(keys.Options, ct));
        return new EnsureSigningKeys(keys.Installation.Db, new LoadSigningKeys(keys.Installation.Db, seal, keys.Options), seal);
    }

    private static string Text(DateTimeOffset? time) => time?.ToString("u", System.Globalization.CultureInfo.InvariantCulture) ?? "";

    private sealed record Keys(OpenInstallation Installation, TokenOptions Options);
}
