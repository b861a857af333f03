using Microsoft.Extensions.Logging;

namespace SolidCache.Redis.Resp;

/// <summary>
/// Who listens to which channel. All stand on one connection: the first of those that are open; when it is lost, on the next that comes.
/// </summary>
internal sealed partial class RedisSubscriptions(TimeProvider clock, ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Subscription> _all = [];
    private RespConnection? _on;
    private IRedisRouter? _router;

    public IDisposable Add(string channel, Action<ReadOnlySpan<byte>> received, Action connected, IRedisRouter router)
    {
        var subscription = new Subscription(this, channel, received, connected);
        lock (_gate)
        {
            _all.Add(subscription);
            _router = router;
            if (_on is { IsOpen: true } connection) Send(connection, subscription);
            else if (router.Any is { } other) Use(other);
        }

        return subscription;
    }

    /// <summary>A new connection, before anyone else uses it.</summary>
    public void Connected(RespConnection connection)
    {
        lock (_gate)
        {
            if (_on is { IsOpen: true }) return;
            Use(connection);
        }
    }

    /// <summary>What a server says unasked: a message, or that a subscription stands.</summary>
    public void Receive(RespValue push)
    {
        var items = push.Items.Span;
        if (items.Length != 3 || items[1].AsText() is not { } channel) return;
        var isMessage = items[0].Bytes.Span.SequenceEqual("message"u8);
        if (!isMessage && !items[0].Bytes.Span.SequenceEqual("subscribe"u8)) return;
        Subscription[] listeners;
        lock (_gate) listeners = [.. _all.Where(s => s.Channel == channel)];
        foreach (var listener in listeners)
        {
            try
            {
                if (isMessage) listener.Received(items[2].Bytes.Span);
                else listener.Connected();
            }
            catch (Exception e)
            {
                LogListener(e);   // of one listener; the replies of all others come by this loop
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate) _all.Clear();
        return ValueTask.CompletedTask;
    }

    private void Remove(Subscription subscription)
    {
        lock (_gate)
        {
            if (!_all.Remove(subscription) || _all.Exists(s => s.Channel == subscription.Channel) || _on is not { IsOpen: true } connection) return;
            Observe(connection.SendAsync(new KeyCommand(KeyCommand.Unsubscribe, subscription.Channel), CancellationToken.None, isSubscription: true));
        }
    }

    private void Use(RespConnection connection)
    {
        _on = connection;
        foreach (var subscription in _all) Send(connection, subscription);
        _ = MoveAsync();

        // In a cluster there may be others, and no new one for long.
        async Task MoveAsync()
        {
            await connection.Closed.ConfigureAwait(false);
            lock (_gate)
            {
                if (_on == connection && _router?.Any is { } other) Use(other);
            }
        }
    }

    private void Send(RespConnection connection, Subscription subscription) => _ = SubscribeAsync(connection, subscription.Channel);

    private async Task SubscribeAsync(RespConnection connection, string channel)
    {
        try
        {
            while (connection.IsOpen)
            {
                var reply = await connection.SendAsync(new KeyCommand(KeyCommand.Subscribe, channel), CancellationToken.None, isSubscription: true).ConfigureAwait(false);
                if (!reply.IsError) return;
                LogRefused(reply.AsText() ?? "");
                // Rights may be given while the connection stays.
                await Task.Delay(TimeSpan.FromSeconds(30), clock).ConfigureAwait(false);
            }
        }
        catch (RedisUnavailableException)
        {
            // Lost, and subscribed to again on the next; or too slow: then its answer will still come.
        }
    }

    private static void Observe(ValueTask<RespValue> reply) =>
        _ = reply.AsTask().ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis refuses a subscription: {Reason}")]
    private partial void LogRefused(string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "A listener to a Redis channel failed.")]
    private partial void LogListener(Exception exception);

    private sealed class Subscription(RedisSubscriptions owner, string channel, Action<ReadOnlySpan<byte>> received, Action connected) : IDisposable
    {
        public string Channel => channel;
        public Action<ReadOnlySpan<byte>> Received => received;
        public Action Connected => connected;

        public void Dispose() => owner.Remove(this);
    }
}
