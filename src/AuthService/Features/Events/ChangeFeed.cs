using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using AuthService.Database;
using Npgsql;
using SolidCache;

namespace AuthService.Features.Events;

/// <summary>What all listeners are sent next, and after which everything that <see cref="Place"/> sees has been sent. Each knows the one after it.</summary>
/// <param name="number">Grows by one from part to part.</param>
/// <param name="text">As it goes to the client: made once, whoever many it goes to.</param>
internal sealed class FeedPart(long number, FeedPlace place, byte[] text)
{
    private readonly TaskCompletionSource<FeedPart?> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Number => number;
    public FeedPlace Place => place;
    public ReadOnlyMemory<byte> Text => text;

    /// <summary>Null: there is none, the node stops.</summary>
    public Task<FeedPart?> Next => _next.Task;

    public void Continue(FeedPart? next) => _next.TrySetResult(next);
}

/// <summary>
/// Reads the changes of <c>authz_changes</c> once for all listeners of this node, while it has any. Listeners walk along a chain of parts: one that is slow
/// holds nobody up, and costs nothing but the parts it hasn't sent.
/// </summary>
internal sealed partial class ChangeFeed : BackgroundService
{
    /// <summary>Of a stream: more changes than this at once, and the listener is told to read everything again.</summary>
    public const int MostChanges = 10_000;

    private static readonly SqlFile Begin = SqlFile.Beside<ChangeFeed>("begin");
    private static readonly SqlFile Poll = SqlFile.Beside<ChangeFeed>("poll");

    // Changes that come one by one: this many polls a second, at most.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlDataSource _db;
    private readonly TieredCache _cache;
    private readonly EventIds _ids;
    private readonly EventOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Meter _meter = new("AuthService");
    private readonly Counter<long> _changes;
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private TaskCompletionSource<FeedPart> _begun = NewBeginning();
    private FeedPart? _last;   // null: nobody listens, so nothing is read
    private long _addedAt;
    private int _listeners;
    private bool _hasEnded;

    public ChangeFeed(NpgsqlDataSource db, TieredCache cache, EventIds ids, EventOptions options, IHostApplicationLifetime life, TimeProvider clock, ILogger<ChangeFeed> logger)
    {
        (_db, _cache, _ids, _options, _clock, _logger) = (db, cache, ids, options, clock, logger);
        _meter.CreateObservableGauge("authservice.events.listeners", () => _listeners, "{listener}", "Streams of changes that are open.");
        _changes = _meter.CreateCounter<long>("authservice.events.changes", "{change}", "Changes read for the listeners of this node, each once.");
        life.ApplicationStopping.Register(End);   // or open streams would hold the node up until its time to stop is over
    }

    /// <summary>The newest part's number: how far a listener can be behind.</summary>
    public long Newest => _last?.Number ?? long.MaxValue;

    public int Listeners => _listeners;

    /// <summary>A place among the listeners, until it is disposed. Null: there are enough.</summary>
    public IDisposable? TryEnter()
    {
        lock (_lock)
        {
            if (_listeners == _options.MaxListeners) return null;
            if (++_listeners == 1 && _wanted.CurrentCount == 0) _wanted.Release();
        }

        return new Seat(this);
    }

    /// <summary>The newest part; what comes after it is what the listener has to be sent. Only with a place among the listeners.</summary>
    public Task<FeedPart> JoinAsync(CancellationToken ct)
    {
        lock (_lock)
        {
            if (_hasEnded) throw Stopping();
            return _last is { } last ? Task.FromResult(last) : _begun.Task.WaitAsync(ct);
        }
    }

    /// <summary>Says that what a listener knows is not to be built upon.</summary>
    public byte[] Reset(FeedPlace place, string reason) => Encoding.UTF8.GetBytes($"event: reset\ndata: {{\"reason\":\"{reason}\"}}\n{IdLine(place)}\n");

    /// <summary>Changes as a stream has them. Only the last one brings the id: who loses the stream among them is sent them all again.</summary>
    public byte[] TextOf(FeedPlace place, List<string> changes)
    {
        var text = new StringBuilder();
        for (var i = 0; i < changes.Count; i++)
        {
            text.Append("event: change\ndata: ").Append(changes[i]).Append('\n');
            if (i == changes.Count - 1) text.Append(IdLine(place));
            text.Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>An id alone: no event, but the client comes back to here.</summary>
    public byte[] Heartbeat(FeedPlace place) => Encoding.UTF8.GetBytes($":\n{IdLine(place)}\n");

    public override void Dispose()
    {
        _meter.Dispose();
        _wanted.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await _wanted.WaitAsync(stoppingToken);
            while (HasListeners())
            {
                try
                {
                    var news = _cache.NextInvalidation;   // before the question: what comes between the two is not missed
                    await ReadAsync(stoppingToken);
                    await Task.Delay(ShortestPause, _clock, stoppingToken);
                    await news.WaitAsync(Shorter(_options.PollInterval, _options.Heartbeat), _clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
                {
                    LogFailed(e);
                    FailJoining(e);
                    await Task.Delay(PauseAfterFailure, _clock, stoppingToken);
                }
            }
        }
    }

    private bool HasListeners()
    {
        lock (_lock)
        {
            if (_listeners > 0) return !_hasEnded;
            _last = null;
            return false;
        }
    }

    private async Task ReadAsync(CancellationToken ct)
    {
        if (_last is not { } last)
        {
            Add(await BeginAsync(ct), []);
            return;
        }

        var (place, changes) = await PollAsync(last.Place, ct);
        if (place.Epoch != last.Place.Epoch) Add(place, Reset(place, "restarted"));
        else if (changes.Count > MostChanges) Add(place, Reset(place, "too_many"));
        else if (changes.Count > 0) Add(place, TextOf(place, changes));
        else if (_clock.GetElapsedTime(_addedAt) >= _options.Heartbeat) Add(place, Heartbeat(place));
        _changes.Add(changes.Count);
    }

    private async Task<FeedPlace> BeginAsync(CancellationToken ct)
    {
        await using var command = Begin.On(_db);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return PlaceIn(row);
    }

    private async Task<(FeedPlace Place, List<string> Changes)> PollAsync(FeedPlace since, CancellationToken ct)
    {
        await using var command = Poll.On(_db).With(since.Snapshot).With(MostChanges + 1);
        await using var row = await command.ExecuteReaderAsync(ct);
        var (place, changes) = (default(FeedPlace), new List<string>());
        while (await row.ReadAsync(ct))
        {
            place = PlaceIn(row);
            if (!row.IsDBNull(2)) changes.Add(row.GetString(3));
        }

        return (place, changes);
    }

    private static FeedPlace PlaceIn(NpgsqlDataReader row) => new(
        // Lost in a crash of the server; the cache of some node is about to make another.
        row.IsDBNull(1) ? throw new InvalidOperationException("The database has just begun anew.") : row.GetGuid(1), row.GetString(0));

    private void Add(FeedPlace place, byte[] text)
    {
        FeedPart? before;
        FeedPart part;
        lock (_lock)
        {
            if (_hasEnded) return;
            before = _last;
            _last = part = new FeedPart((before?.Number ?? 0) + 1, place, text);
            if (before is null)
            {
                _begun.TrySetResult(part);
                _begun = NewBeginning();
            }
        }

        _addedAt = _clock.GetTimestamp();
        before?.Continue(part);
    }

    private void FailJoining(Exception e)
    {
        lock (_lock)
        {
            _begun.TrySetException(e);
            _ = _begun.Task.Exception;   // perhaps nobody waits
            _begun = NewBeginning();
        }
    }

    private void End()
    {
        FeedPart? last;
        lock (_lock)
        {
            _hasEnded = true;
            last = _last;
            _begun.TrySetException(Stopping());
            _ = _begun.Task.Exception;   // perhaps nobody waits
        }

        last?.Continue(null);
    }

    private void Leave()
    {
        lock (_lock) _listeners--;
    }

    private string IdLine(FeedPlace place) => _ids.TextOf(place) is { } id ? string.Create(CultureInfo.InvariantCulture, $"id: {id}\n") : "";

    /// <summary>Answered 503: another node may take the listener.</summary>
    private static TimeoutException Stopping() => new("The node stops.");

    private static TaskCompletionSource<FeedPart> NewBeginning() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private sealed class Seat(ChangeFeed feed) : IDisposable
    {
        private int _isLeft;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isLeft, 1) == 0) feed.Leave();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Changes can't be read for listeners now; it is tried again.")]
    private partial void LogFailed(Exception exception);
}
