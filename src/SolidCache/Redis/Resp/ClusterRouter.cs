using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace SolidCache.Redis.Resp;

/// <summary>
/// A Redis Cluster: a command goes to the master of its key's slot. A master that says MOVED has told where the slot is, and the whole map is read anew;
/// ASK is for this command alone.
/// </summary>
internal sealed partial class ClusterRouter(RedisSettings settings, Func<RedisEndpoint, RedisLink> link, RedisDialer dialer, TimeProvider clock, ILogger logger) : IRedisRouter
{
    private const int MostHops = 5;
    private const int MostServers = 1000;   // a cluster's own limit
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan BetweenMaps = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBetweenMaps = TimeSpan.FromSeconds(15);

    /// <summary>A server that is given its first slots is named by redirections before any map has it.</summary>
    private static readonly TimeSpan KeptAfterRedirection = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<RedisEndpoint, RedisLink> _links = new();
    private readonly ConcurrentDictionary<RedisEndpoint, long> _redirectedAt = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _mapIsOld = new(0, 1);
    private volatile RedisLink?[] _slots = new RedisLink?[HashSlots.Count];
    private volatile RedisLink[] _masters = [];
    private TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;

    public bool IsConnected => _masters is { Length: > 0 } masters && Array.TrueForAll(masters, m => m.Current is not null) && !_hasGaps;
    public IEnumerable<RespConnection> Connections => _masters.Select(m => m.Current).OfType<RespConnection>();
    public string Servers => string.Join(',', _masters.Select(m => m.Server));
    public RespConnection? Any => _masters.Select(m => m.Current).FirstOrDefault(c => c is not null);

    private bool _hasGaps;

    public void Start() => _loop = KeepMapAsync(_closing.Token);

    public Task ConnectedAsync() => Volatile.Read(ref _connected).Task;

    public async ValueTask<RespValue> SendAsync<TCommand>(TCommand command, string? key, CancellationToken ct) where TCommand : struct, IRespCommand
    {
        var connection = key is null ? Any : _slots[HashSlots.Of(key)]?.Current;
        var (asking, pause) = (false, FirstPause);
        for (var hop = 0; ; hop++)
        {
            if (connection is null)
            {
                Refresh();
                throw new RedisUnavailableException("not connected to the master of this key");
            }

            var reply = await connection.SendAsync(command, ct, asking).ConfigureAwait(false);
            if (!reply.IsError || hop == MostHops) return reply;
            asking = false;
            var words = (reply.AsText() ?? "").Split(' ');
            switch (words[0])
            {
                case "MOVED" when words.Length == 3:
                    Refresh();
                    connection = await ConnectionToAsync(words[2], connection, ct).ConfigureAwait(false);
                    break;
                case "ASK" when words.Length == 3:
                    connection = await ConnectionToAsync(words[2], connection, ct).ConfigureAwait(false);
                    asking = true;
                    break;
                case "TRYAGAIN" or "CLUSTERDOWN":
                    await Task.Delay(pause, clock, ct).ConfigureAwait(false);
                    pause *= 2;
                    Refresh();
                    connection = key is null ? Any : _slots[HashSlots.Of(key)]?.Current;
                    break;
                case "READONLY":
                    Refresh();
                    return reply;
                default:
                    return reply;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var one in _links.Values) await one.DisposeAsync().ConfigureAwait(false);
        _closing.Dispose();
        _mapIsOld.Dispose();
    }

    /// <summary>The map is read anew soon, once for all who ask.</summary>
    private void Refresh()
    {
        if (_mapIsOld.CurrentCount > 0) return;
        try
        {
            _mapIsOld.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else has asked.
        }
    }

    private async Task KeepMapAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                Apply(await ReadMapAsync(ct).ConfigureAwait(false));
                await DropOthersAsync().ConfigureAwait(false);
                // Masters come and go without a command that notices: a look now and then.
                using (var enough = CancellationTokenSource.CreateLinkedTokenSource(ct))
                {
                    var isOld = _mapIsOld.WaitAsync(LongestBetweenMaps, enough.Token);
                    await Task.WhenAny(ConnectedMastersAsync(), isOld).ConfigureAwait(false);
                    // Left waiting, it would take the next word that the map is old for itself.
                    await enough.CancelAsync().ConfigureAwait(false);
                    if (isOld.IsCompletedSuccessfully && await isOld.ConfigureAwait(false)) Refresh();
                }

                if (IsConnected) Announce();
                await Task.Delay(BetweenMaps, clock, ct).ConfigureAwait(false);
                await _mapIsOld.WaitAsync(IsConnected ? LongestBetweenMaps : BetweenMaps, ct).ConfigureAwait(false);
            }
            catch (Exception) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogNoMap(e.Message);
                await Task.Delay(BetweenMaps * 5, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private Task ConnectedMastersAsync() => Task.WhenAll(_masters.Select(m => m.ConnectedAsync()));

    private void Announce() => Interlocked.Exchange(ref _connected, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>From any server there is a connection to; else from those that were named.</summary>
    private async Task<RespValue> ReadMapAsync(CancellationToken ct)
    {
        Exception? last = null;
        foreach (var connection in Connections)
        {
            try
            {
                return await RedisDialer.DoAsync(connection, ct, "CLUSTER", "SLOTS").ConfigureAwait(false);
            }
            catch (Exception e) when (e is RedisUnavailableException or RedisException && !ct.IsCancellationRequested)
            {
                last = e;
            }
        }

        // Those that were named may all have gone since.
        foreach (var seed in settings.Endpoints.Concat(_links.Keys).Distinct())
        {
            try
            {
                var connection = await dialer.ConnectAsync(seed, static _ => { }, ct).ConfigureAwait(false);
                await using var _ = connection.ConfigureAwait(false);
                return await RedisDialer.DoAsync(connection, ct, "CLUSTER", "SLOTS").ConfigureAwait(false);
            }
            catch (Exception e) when (e is RedisUnavailableException or RedisException && !ct.IsCancellationRequested)
            {
                last = e;
            }
        }

        throw last ?? new RedisUnavailableException("no server is named");
    }

    /// <summary>Ranges of slots, each with its master first: begin, end, [host, port, id, …], replicas.</summary>
    private void Apply(RespValue map)
    {
        var slots = new RedisLink?[HashSlots.Count];
        foreach (var range in map.Items.ToArray())
        {
            var (begin, end, master) = (range.Items.Span[0].AsInteger(), range.Items.Span[1].AsInteger(), range.Items.Span[2].Items);
            var host = master.Span[0].AsText();
            // A server that does not know its own address leaves it out: then it is the one that was asked.
            if (string.IsNullOrEmpty(host)) host = settings.Endpoints[0].Host;
            if (LinkTo(new RedisEndpoint(host, (int)master.Span[1].AsInteger())) is not { } one) continue;
            for (var slot = begin; slot <= end && slot < HashSlots.Count; slot++) slots[slot] = one;
        }

        _hasGaps = Array.IndexOf(slots, null) >= 0;
        _slots = slots;
        _masters = [.. slots.OfType<RedisLink>().Distinct()];
    }

    /// <summary>Servers that have gone are not tried for ever: where addresses change, there would be more and more of them.</summary>
    private async Task DropOthersAsync()
    {
        foreach (var (server, one) in _links)
        {
            if (_masters.Contains(one)) continue;
            if (_redirectedAt.TryGetValue(server, out var at) && clock.GetElapsedTime(at) < KeptAfterRedirection) continue;
            _redirectedAt.TryRemove(server, out _);
            if (_links.TryRemove(server, out _)) await one.DisposeAsync().ConfigureAwait(false);
        }
    }

    private RedisLink? LinkTo(RedisEndpoint server)
    {
        if (_links.TryGetValue(server, out var known)) return known;
        if (_links.Count >= MostServers) return null;
        lock (_links)
        {
            if (_links.TryGetValue(server, out known)) return known;
            known = link(server);
            known.Start();
            return _links[server] = known;
        }
    }

    /// <param name="address">As a redirection names it: host:port, or :port for the host that says so.</param>
    private async ValueTask<RespConnection?> ConnectionToAsync(string address, RespConnection teller, CancellationToken ct)
    {
        var colon = address.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)) return null;
        var host = colon == 0 ? _links.FirstOrDefault(l => l.Value.Current == teller).Key.Host ?? settings.Endpoints[0].Host : address[..colon];
        var server = new RedisEndpoint(host, port);
        _redirectedAt[server] = clock.GetTimestamp();
        if (LinkTo(server) is not { } one) return null;
        if (one.Current is { } current) return current;
        try
        {
            await one.ConnectedAsync().WaitAsync(settings.CommandTimeout, clock, ct).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // Known, and not to be reached.
        }

        return one.Current;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The map of the Redis Cluster can't be read: {Reason}. It is tried again and again.")]
    private partial void LogNoMap(string reason);
}
