using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace SolidCache.Redis.Resp;

/// <summary>
/// A connection to Redis 6 or later (RESP3) that all callers of a process share: to one server, to the master that Sentinels name, or to every master
/// of a Redis Cluster. It connects in the background and again whenever it is lost. Nothing is sent twice.
/// </summary>
/// <remarks>
/// Without a connection commands fail at once with <see cref="RedisUnavailableException"/>; so does one that has no reply in
/// <see cref="RedisSettings.CommandTimeout"/>, or is the 65,537th to wait. A command the server refuses throws <see cref="RedisException"/>. Keys and texts
/// are UTF-8. Thread-safe. Source: docs/cache/redis.md.
/// </remarks>
public sealed class RedisClient : IAsyncDisposable
{
    private const int ScanCount = 1000;

    private readonly RedisSettings _settings;
    private readonly TimeProvider _clock;
    private readonly IRedisRouter _router;
    private readonly RedisCounters _counters = new();
    private readonly RedisSubscriptions _subscriptions;
    private int _isDisposed;

    /// <summary>Connects when <see cref="Start"/> is called.</summary>
    /// <param name="settings">Where to.</param>
    /// <param name="clock">For time-outs.</param>
    /// <param name="logger">Told when a connection is lost and when it is back; never of keys, values or passwords.</param>
    public RedisClient(RedisSettings settings, TimeProvider clock, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentNullException.ThrowIfNull(logger);
        (_settings, _clock) = (settings, clock);
        var dialer = new RedisDialer(settings, clock, _counters);
        _subscriptions = new RedisSubscriptions(clock, logger);
        _router = settings.Topology switch
        {
            RedisTopology.Cluster => new ClusterRouter(settings, server => Link(server.ToString(), _ => new ValueTask<RedisEndpoint>(server), mustBeMaster: false), dialer, clock, logger),
            RedisTopology.Sentinel => new MasterRouter(Link(settings.ToString(), new SentinelQuery(settings, dialer).FindMasterAsync, mustBeMaster: true)),
            _ => new MasterRouter(Link(settings.ToString(), NextOf(settings.Endpoints), mustBeMaster: false)),
        };

        RedisLink Link(string name, Func<CancellationToken, ValueTask<RedisEndpoint>> find, bool mustBeMaster) =>
            new(name, find, dialer, _counters, _subscriptions.Receive, _subscriptions.Connected, mustBeMaster, clock, logger);
    }

    /// <summary>Whether commands can be sent; in a cluster, whatever their key.</summary>
    public bool IsConnected => _router.IsConnected;

    /// <summary>What it has done, and how it is.</summary>
    public RedisStatistics Statistics => new(
        IsConnected, _router.Servers, _counters.Commands, _counters.TimeOuts, Interlocked.Read(ref _counters.Reconnects), _router.Connections.Sum(c => c.Depth), _counters.LastFailure);

    /// <summary>Begins to connect, in the background and until it is disposed.</summary>
    public void Start() => _router.Start();

    /// <summary>Waits for a connection.</summary>
    /// <param name="limit">How long.</param>
    /// <param name="token">Ends the wait.</param>
    /// <returns>False: there is none yet.</returns>
    public async Task<bool> WaitUntilConnectedAsync(TimeSpan limit, CancellationToken token)
    {
        var began = _clock.GetTimestamp();
        while (true)
        {
            var next = _router.ConnectedAsync();
            if (IsConnected) return true;
            var left = limit - _clock.GetElapsedTime(began);
            if (left <= TimeSpan.Zero) return false;
            try
            {
                await next.WaitAsync(left, _clock, token).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return IsConnected;
            }
        }
    }

    /// <summary>GET.</summary>
    /// <param name="key">The key.</param>
    /// <param name="token">Ends this caller's wait.</param>
    /// <returns>The value; null: there is none.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<byte[]?> GetAsync(string key, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Take(await _router.SendAsync(new KeyCommand(KeyCommand.Get, key), key, token).ConfigureAwait(false)).Content;
    }

    /// <summary>MGET; in a cluster a GET for each key.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="token">Ends this caller's wait.</param>
    /// <returns>The values in the order of the keys; null where there is none.</returns>
    public async ValueTask<byte[]?[]> GetManyAsync(IReadOnlyList<string> keys, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count == 0) return [];
        if (_settings.Topology == RedisTopology.Cluster) return await Task.WhenAll(keys.Select(key => GetAsync(key, token).AsTask())).ConfigureAwait(false);
        var reply = Take(await _router.SendAsync(new KeysCommand("MGET", keys), keys[0], token).ConfigureAwait(false));
        return [.. reply.Items.ToArray().Select(item => item.Content)];
    }

    /// <summary>SET with a life.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">At most 512 MiB, says Redis.</param>
    /// <param name="life">Rounded up to milliseconds; over 0.</param>
    /// <param name="token">Ends this caller's wait; the value may be stored or not.</param>
    /// <param name="onlyIfAbsent">Whether a value that is there stays (NX).</param>
    /// <returns>False: there was one, and it stayed.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> SetAsync(string key, ReadOnlyMemory<byte> value, TimeSpan life, CancellationToken token, bool onlyIfAbsent = false)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(life, TimeSpan.Zero);
        var milliseconds = (long)Math.Ceiling(life.TotalMilliseconds);
        return !Take(await _router.SendAsync(new SetCommand(key, value, milliseconds, onlyIfAbsent), key, token).ConfigureAwait(false)).IsNull;
    }

    /// <summary>UNLINK; in a cluster one for each key.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="token">Ends this caller's wait.</param>
    /// <returns>How many there were.</returns>
    public async ValueTask<long> DeleteAsync(IReadOnlyList<string> keys, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (keys.Count == 0) return 0;
        if (_settings.Topology != RedisTopology.Cluster)
            return Take(await _router.SendAsync(new KeysCommand("UNLINK", keys), keys[0], token).ConfigureAwait(false)).AsInteger();
        var deleted = await Task.WhenAll(keys.Select(key => DoAsync(new KeyCommand(KeyCommand.Unlink, key), key, token).AsTask())).ConfigureAwait(false);
        return deleted.Sum(reply => reply.AsInteger());
    }

    /// <summary>INCR.</summary>
    /// <param name="key">The key; none counts as 0.</param>
    /// <param name="token">Ends this caller's wait.</param>
    /// <returns>The new value.</returns>
    public async ValueTask<long> IncrementAsync(string key, CancellationToken token) =>
        (await DoAsync(new KeyCommand(KeyCommand.Increment, key), key, token).ConfigureAwait(false)).AsInteger();

    /// <summary>PEXPIRE.</summary>
    /// <param name="key">The key.</param>
    /// <param name="life">From now on.</param>
    /// <param name="token">Ends this caller's wait.</param>
    /// <returns>False: there is no such key.</returns>
    public async ValueTask<bool> ExpireAsync(string key, TimeSpan life, CancellationToken token) =>
        (await ExecuteAsync(["PEXPIRE", key, ((long)life.TotalMilliseconds).ToString(System.Globalization.CultureInfo.InvariantCulture)], token).ConfigureAwait(false)).AsInteger() == 1;

    /// <summary>PUBLISH.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="message">What subscribers get.</param>
    /// <param name="token">Ends this caller's wait.</param>
    /// <returns>How many subscribers the server knew of.</returns>
    public async ValueTask<long> PublishAsync(string channel, ReadOnlyMemory<byte> message, CancellationToken token) =>
        (await DoAsync(new PublishCommand(channel, message), key: null, token).ConfigureAwait(false)).AsInteger();

    /// <summary>EVALSHA; where the server doesn't know the script, EVAL. Atomic.</summary>
    /// <param name="script">The script.</param>
    /// <param name="key"><c>KEYS[1]</c>; more than one would have to be in one slot.</param>
    /// <param name="arguments"><c>ARGV</c>.</param>
    /// <param name="token">Ends this caller's wait.</param>
    public async ValueTask<RespValue> EvaluateAsync(RedisScript script, string key, IReadOnlyList<string> arguments, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(script);
        ArgumentNullException.ThrowIfNull(arguments);
        try
        {
            return await DoAsync(new TextCommand(["EVALSHA", script.Sha1, "1", key, .. arguments]), key, token).ConfigureAwait(false);
        }
        catch (RedisException e) when (e.Code == "NOSCRIPT")
        {
            return await DoAsync(new TextCommand(["EVAL", script.Text, "1", key, .. arguments]), key, token).ConfigureAwait(false);
        }
    }

    /// <summary>SCAN to the end, on every master. Keys that come or go meanwhile may be told or not, and any more than once.</summary>
    /// <param name="pattern">With <c>*</c>, <c>?</c> and <c>[…]</c>.</param>
    /// <param name="token">Ends it.</param>
    public async IAsyncEnumerable<string> ScanAsync(string pattern, [EnumeratorCancellation] CancellationToken token)
    {
        if (!IsConnected) throw new RedisUnavailableException("not connected");
        foreach (var connection in _router.Connections)
        {
            var cursor = "0";
            do
            {
                var reply = await RedisDialer.DoAsync(
                    connection, token, "SCAN", cursor, "MATCH", pattern, "COUNT", ScanCount.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false);
                cursor = reply.Items.Span[0].AsText() ?? "0";
                foreach (var key in reply.Items.Span[1].Items.ToArray()) yield return key.AsText() ?? "";
            }
            while (cursor != "0");
        }
    }

    /// <summary>Any command that is answered by one reply.</summary>
    /// <param name="arguments">The command and what follows; in a cluster the second one is taken for its key.</param>
    /// <param name="token">Ends this caller's wait.</param>
    public ValueTask<RespValue> ExecuteAsync(IReadOnlyList<string> arguments, CancellationToken token)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return DoAsync(new TextCommand(arguments), arguments.Count > 1 ? arguments[1] : null, token);
    }

    /// <summary>SUBSCRIBE, again on each new connection. Messages may be lost with a connection.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="received">Gets each message. Runs on the loop that reads all replies: it must not wait.</param>
    /// <param name="connected">Runs when the subscription stands, at first and each time anew: what was said before is not known.</param>
    /// <returns>Dispose it: that ends the subscription.</returns>
    public IDisposable Subscribe(string channel, Action<ReadOnlySpan<byte>> received, Action connected) => _subscriptions.Add(channel, received, connected, _router);

    /// <summary>Closes its connections; commands that wait fail.</summary>
    public async ValueTask DisposeAsync()
    {
        // A container disposes it as a service, and the node that made it does.
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _subscriptions.DisposeAsync().ConfigureAwait(false);
        await _router.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<RespValue> DoAsync<TCommand>(TCommand command, string? key, CancellationToken ct) where TCommand : struct, IRespCommand =>
        Take(await _router.SendAsync(command, key, ct).ConfigureAwait(false));

    private RespValue Take(in RespValue reply)
    {
        if (!reply.IsError) return reply;
        var refusal = RedisException.Of(reply);
        (_router as MasterRouter)?.Heed(refusal);
        throw refusal;
    }

    /// <summary>The servers in turn, from the first: whichever can be reached.</summary>
    private static Func<CancellationToken, ValueTask<RedisEndpoint>> NextOf(IReadOnlyList<RedisEndpoint> endpoints)
    {
        var next = -1;
        return _ => new ValueTask<RedisEndpoint>(endpoints[Interlocked.Increment(ref next) % endpoints.Count]);
    }
}
