using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using IntegrationTests.SolidCache.Freshness;
using IntegrationTests.SolidCache.Redis;
using SolidCache;
using SolidCache.Redis.Resp;

namespace IntegrationTests.Freshness;

/// <summary>What becomes of the Redis beside a run, and what others put into it.</summary>
internal sealed partial class RedisFaults(FreshnessRun run, RedisServer server, RedisProxy proxy, RedisClient stranger, CancellationToken ct)
{
    public const string Killed = "Redis killed, and empty again";
    public const string Stopped = "Redis stood still";
    public const string Flushed = "Redis flushed";
    public const string Restored = "Redis restored from an old dump";
    public const string Swapped = "Redis: values of accounts swapped";
    public const string Edited = "Redis: values edited";
    public const string Mute = "Redis: nobody may publish";
    public const string Echo = "Redis: old messages said again";
    public const string Lost = "Redis: messages dropped on the way";
    public const string Doubled = "Redis: messages doubled on the way";
    public const string Held = "Redis: messages delayed, in reverse order";
    public const string Slow = "Redis: everything comes late";
    public const string Dead = "Redis: a dead line";
    public const string Cut = "Redis: connections cut within a reply";
    public const string Stranger = "Redis: another installation publishes";

    private const string OfRights = "permissions:user:*";
    private static readonly string Channel = FormattableString.Invariant($"solid_cache:{TagHash.Of("solid_cache"):x16}");
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(1);

    private readonly Chance _chance = run.NewChance();

    public static IReadOnlyList<string> All => [Killed, Stopped, Flushed, Restored, Swapped, Edited, Mute, Echo, Lost, Doubled, Held, Slow, Dead, Cut, Stranger];

    public Task AtRandomAsync() => OneAsync(All[_chance.Next(All.Count)]);

    public async Task OneAsync(string fault)
    {
        using var spell = run.Weather.Begin(fault);
        try
        {
            await (fault switch
            {
                Killed => KillAsync(),
                Stopped => StopAsync(),
                Flushed => server.CliAsync(ct, "FLUSHALL"),
                Restored => RestoreAsync(),
                Swapped => RepeatAsync(SwapAsync),
                Edited => RepeatAsync(EditAsync),
                Mute => MuteAsync(),
                Echo => EchoAsync(),
                Lost => PassAsync(Passage.LoseMessages),
                Doubled => PassAsync(Passage.DoubleMessages),
                Held => PassAsync(Passage.HoldMessages),
                Slow => PassAsync(Passage.Slow),
                Dead => PassAsync(Passage.Nothing),
                Cut => RepeatAsync(CutAsync),
                _ => RepeatAsync(PublishAsync),
            });
        }
        catch (Exception e) when (e is RedisUnavailableException or RedisException)
        {
            // The one before is not over yet.
        }
    }

    /// <summary>Makes every account's entry say that it holds a right it may not hold, and that it is newer than anything.</summary>
    public async Task EditAsync()
    {
        var role = run.People.RoleRights[0].Path.Split('/')[^1];
        foreach (var (key, value) in await ReadAsync())
        {
            var text = RoleIds().Replace(Encoding.UTF8.GetString(value), $"\"role_ids\":[{role}]");
            await stranger.SetAsync(key, Encoding.UTF8.GetBytes(Stamps().Replace(text, ":9000000000000000")), Life, ct);
        }
    }

    private async Task KillAsync()
    {
        await server.KillAsync();
        await run.ForAsync(0.1 + (_chance.Next(10) / 10.0), ct);
        await server.RestartAsync(ct);
    }

    private async Task StopAsync()
    {
        server.Pause();
        await run.ForAsync(0.1 + (_chance.Next(15) / 10.0), ct);
        server.Resume();
    }

    private async Task RestoreAsync()
    {
        var dump = await ReadAsync("*");
        await run.ForAsync(0.2 + (_chance.Next(30) / 10.0), ct);
        foreach (var (key, value) in dump) await stranger.SetAsync(key, value, Life, ct);
    }

    private async Task SwapAsync()
    {
        var all = await ReadAsync();
        for (var i = 0; i < all.Count; i++) await stranger.SetAsync(all[i].Key, all[(i + 1) % all.Count].Value, Life, ct);
    }

    /// <summary>Nobody may publish for a while; those who listened are thrown out.</summary>
    private async Task MuteAsync()
    {
        await server.CliAsync(ct, "ACL", "SETUSER", "default", "resetchannels");
        await run.ForAsync(1, ct);
        await server.CliAsync(ct, "ACL", "SETUSER", "default", "allchannels");
    }

    /// <summary>Between the processes and the server.</summary>
    private async Task PassAsync(Passage passage)
    {
        await proxy.SetAsync(passage);
        await run.ForAsync(0.5 + (_chance.Next(10) / 10.0), ct);
        await proxy.SetAsync(Passage.All);
    }

    private Task CutAsync()
    {
        proxy.CutWithinReply();
        return Task.CompletedTask;
    }

    /// <summary>What was said is said again, later and in another order.</summary>
    private async Task EchoAsync()
    {
        var heard = new ConcurrentBag<byte[]>();
        using var subscription = stranger.Subscribe(Channel, message => heard.Add(message.ToArray()), () => { });
        for (var round = 0; round < 10; round++)
        {
            await run.ForAsync(0.1, ct);
            foreach (var message in heard.ToArray().Where(_ => _chance.Next(3) == 0).Take(50)) await stranger.PublishAsync(Channel, message, ct);
        }
    }

    private async Task PublishAsync()
    {
        var message = new byte[16 * (2 + _chance.Next(5))];
        for (var i = 0; i < message.Length; i++) message[i] = (byte)_chance.Next(256);
        await stranger.PublishAsync(Channel, message, ct);
    }

    private async Task RepeatAsync(Func<Task> once)
    {
        for (var i = 0; i < 20; i++)
        {
            await once();
            await run.ForAsync(0.02, ct);
        }
    }

    private async Task<List<(string Key, byte[] Value)>> ReadAsync(string pattern = OfRights)
    {
        var all = new List<(string, byte[])>();
        await foreach (var key in stranger.ScanAsync(pattern, ct)) if (await stranger.GetAsync(key, ct) is { } value) all.Add((key, value));
        return all;
    }

    [GeneratedRegex("\"role_ids\":\\[[^\\]]*\\]")]
    private static partial Regex RoleIds();

    [GeneratedRegex("(?<=\"stamps\":\\{[^}]*):[0-9]+")]
    private static partial Regex Stamps();
}

/// <summary>A Redis beside a run, what stands before it, and somebody else who has access to it.</summary>
internal sealed class RunRedis : IAsyncDisposable
{
    private RunRedis(RedisServer server, RedisClient stranger) => (Server, Proxy, Stranger) = (server, RedisProxy.Before(server), stranger);

    public RedisServer Server { get; }

    public RedisProxy Proxy { get; }

    public RedisClient Stranger { get; }

    /// <summary>Where the run finds it.</summary>
    public string Address => Proxy.Address;

    public static async Task<RunRedis> StartAsync(CancellationToken ct)
    {
        var server = await RedisServer.StartAsync(ct);
        return new RunRedis(server, await IntegrationTests.SolidCache.Redis.Resp.Clients.ConnectAsync(server.Address, ct));
    }

    public RedisFaults Faults(FreshnessRun run, CancellationToken ct) => new(run, Server, Proxy, Stranger, ct);

    public async ValueTask DisposeAsync()
    {
        await Stranger.DisposeAsync();
        await Proxy.DisposeAsync();
        await Server.DisposeAsync();
    }
}
