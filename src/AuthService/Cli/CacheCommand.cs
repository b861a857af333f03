using System.CommandLine;
using System.Globalization;
using System.Net.Http.Headers;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Installation;
using SolidCache.Redis.Resp;
using Spectre.Console;

namespace AuthService.Cli;

/// <summary><c>authservice cache stats|get|invalidate|cleanup</c>: the cache of a live installation, for its operator.</summary>
internal static class CacheCommand
{
    private static readonly string[] RedisFields = ["redis_version", "used_memory_human", "maxmemory_policy", "keyspace_hits", "keyspace_misses", "evicted_keys", "db0"];
    private static readonly TimeSpan RedisLimit = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var stats = new Command("stats", "What PostgreSQL and Redis hold.");
        stats.SetConfiguredAction(StatsAsync);

        var key = new Argument<string>("key") { Description = "Such as permissions:user:42." };
        var node = new Option<Uri?>("--node") { Description = "Ask this running node, which has a memory as well. AUTH_ACCESS_TOKEN holds the token of an administrator." };
        var get = new Command("get", "One entry in every tier: its age, its stamps, and whether it would be served.") { key, node };
        get.SetConfiguredAction((result, settings, ct) => GetAsync(result.GetRequiredValue(key), result.GetValue(node), settings, ct));

        var tag = new Argument<string?>("tag") { Description = "A tag or key, such as user:42.", Arity = ArgumentArity.ZeroOrOne };
        var prefix = new Option<string?>("--prefix") { Description = "Whatever stands under keys that begin like this." };
        var all = new Option<bool>("--all") { Description = "Everything." };
        var invalidate = new Command("invalidate", "Make cached things invalid on every node; returns when none answers from them.") { tag, prefix, all };
        invalidate.SetConfiguredAction((result, settings, ct) => InvalidateAsync(result.GetValue(tag), result.GetValue(prefix), result.GetValue(all), settings, ct));

        var cleanUp = new Command("cleanup", "Delete expired entries in PostgreSQL now; prints how many.");
        cleanUp.SetConfiguredAction(CleanUpAsync);
        return new Command("cache", "The cache, for the operator.") { stats, get, invalidate, cleanUp };
    }

    private static Task<int> StatsAsync(string[] settings, CancellationToken ct) => WithCacheAsync(settings, async cache =>
    {
        var held = await cache.Distributed.GetStatisticsAsync(ct);
        var table = new Table().AddColumns("tier", "what", "");
        Add("postgres", "entries", $"{held.TotalEntries:N0}{(held.IsExact ? "" : " (estimated)")}");
        Add("postgres", "of them expired", $"{held.ExpiredEntries:N0}");
        Add("postgres", "their size", $"{held.TotalSizeKb:N0} KiB");
        Add("postgres", "table on disk", $"{held.TableBytes / 1024:N0} KiB");
        if (cache.Redis is { } redis) await AddRedisAsync(redis);
        else Add("redis", "state", $"not configured");
        AnsiConsole.Write(table);
        return 0;

        void Add(string tier, string what, FormattableString value) => table.AddRow(tier, what, value.ToString(CultureInfo.InvariantCulture).EscapeMarkup());

        async Task AddRedisAsync(RedisClient client)
        {
            try
            {
                var info = (await client.ExecuteAsync(["INFO"], ct)).AsText() ?? "";
                Add("redis", "server", $"{client.Statistics.Server}");
                foreach (var name in RedisFields)
                {
                    if (info.Split('\n').FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal)) is { } found) Add("redis", name, $"{found[(name.Length + 1)..].Trim()}");
                }
            }
            catch (Exception e) when (e is RedisException or RedisUnavailableException)
            {
                Add("redis", "state", $"away: {client.Statistics.LastFailure ?? e.Message}");
            }
        }
    }, ct);

    private static async Task<int> GetAsync(string key, Uri? node, string[] settings, CancellationToken ct)
    {
        if (node is not null)
        {
            Show(await AskAsync(node, key, settings, ct));
            return 0;
        }

        return await WithCacheAsync(settings, async cache =>
        {
            // The memory of this process has nothing in it.
            var entry = EntryViews.Of(key, await cache.Tiered.InspectAsync(key, ct));
            Show(entry with { Tiers = [.. entry.Tiers.Where(t => t.Tier != "memory")] });
            return 0;
        }, ct);
    }

    private static Task<int> InvalidateAsync(string? tag, string? prefix, bool all, string[] settings, CancellationToken ct)
    {
        if (new[] { tag is not null, prefix is not null, all }.Count(named => named) != 1) throw new SettingsException("Name one thing to make invalid: a tag or key, --prefix, or --all.");
        return WithCacheAsync(settings, async cache =>
        {
            if (prefix is not null) await cache.Tiered.RemoveByPrefixAsync(prefix, ct);
            else await cache.Tiered.RemoveByTagAsync(all ? "*" : tag!, ct);
            return 0;
        }, ct);
    }

    private static Task<int> CleanUpAsync(string[] settings, CancellationToken ct) => WithCacheAsync(settings, async cache =>
    {
        var (total, isAll) = (0L, false);
        while (!isAll)
        {
            (var deleted, isAll) = await cache.Distributed.CleanUpAsync(ct);
            total += deleted;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{total} expired entries deleted"));
        return 0;
    }, ct);

    private static async Task<CacheEntryView> AskAsync(Uri node, string key, string[] settings, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        var token = configuration["AUTH_ACCESS_TOKEN"] ?? throw new SettingsException("--node needs AUTH_ACCESS_TOKEN: the access token of an account that holds system:admin.");
        if (!node.IsAbsoluteUri) throw new SettingsException($"--node {node} is no address such as http://127.0.0.1:8080.");
        using var http = new HttpClient { BaseAddress = node };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var question = JsonContent.Create(new InspectRequest { Key = key }, WireJson.Default.InspectRequest);
        using var answer = await http.PostAsync(new Uri("/admin/cache/inspect", UriKind.Relative), question, ct);
        if (!answer.IsSuccessStatusCode) throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"the node answered {(int)answer.StatusCode}"));
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.CacheEntryView, ct))!;
    }

    private static async Task<int> WithCacheAsync(string[] settings, Func<RunningCache, Task<int>> action, CancellationToken ct)
    {
        var configuration = CommandHost.CreateBuilder(settings).Configuration;
        using var loggers = CommandHost.CreateLoggers(configuration);
        await using var installation = await OpenInstallation.OpenAsync(configuration, asOwner: false, loggers, ct);
        await installation.RequireSchemaAsync(loggers, ct);
        await using var cache = await installation.StartCacheWithRedisAsync(ct);
        if (cache.Redis is { } redis) await redis.WaitUntilConnectedAsync(RedisLimit, ct);
        return await action(cache);
    }

    private static void Show(CacheEntryView entry)
    {
        var table = new Table().AddColumns("tier", "state", "age s", "left s", "tags: stamp (now)");
        foreach (var tier in entry.Tiers)
        {
            var tags = string.Join('\n', tier.Tags.Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Hash}: {t.Stamp} ({t.Version})")));
            table.AddRow(tier.Tier, tier.State, Number(tier.AgeSeconds), Number(tier.SecondsLeft), tags);
        }

        AnsiConsole.Write(table);
        foreach (var tier in entry.Tiers.Where(t => t.Text is not null)) Console.WriteLine(tier.Text);
    }

    private static string Number(double? number) => number?.ToString("F1", CultureInfo.InvariantCulture) ?? "";
}
