using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using SolidCache.Freshness;
using SolidCache.Loading;
using SolidCache.Redis.Resp;
using SolidCache.Serialization;

namespace SolidCache.Redis;

/// <summary>
/// The tier between memory and PostgreSQL. It may be away, slow, empty, restored from any time or written by anyone: what it holds is served only if it
/// carries our MAC for this very key, and is judged like an entry in memory. Nothing here throws, and nothing waits for longer than a command may take.
/// </summary>
/// <remarks>Source: docs/cache/redis.md.</remarks>
internal sealed partial class RedisTier(RedisClient client, SolidCacheOptions options, FreshnessState state, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan QuietTime = TimeSpan.FromMinutes(1);

    private readonly byte[] _secret = options.Redis.Key!;
    private readonly string _prefix = options.Redis.KeyPrefix;
    private readonly bool _trustsAnything = options.Freshness.IsOff(Mechanisms.Mac);
    private long _forgedAt;
    private int _isAway;

    public RedisClient Client => client;

    public RedisBreaker Breaker { get; } = new(clock);

    /// <summary>Whether it is asked at all at the moment.</summary>
    public bool IsInUse => client.IsConnected && Breaker.State == BreakerState.Closed;

    /// <summary>The value, if there is one that this node may serve now.</summary>
    public async ValueTask<RedisHit<T>?> ReadAsync<T>(EntryRequest request, EntrySerializer<T> serializer, CancellationToken ct)
    {
        if (!MayTry()) return null;
        byte[]? bytes;
        var startedAt = clock.GetTimestamp();
        try
        {
            await MisbehaveAsync(ct).ConfigureAwait(false);
            bytes = await client.GetAsync(_prefix + request.Key, ct).ConfigureAwait(false);
            Succeeded();
            CacheTelemetry.RedisRead(clock.GetElapsedTime(startedAt));
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            Failed(e);
            return null;
        }

        if (bytes is null)
        {
            CacheTelemetry.RedisMiss();
            return null;
        }

        var hit = Judge(request, serializer, bytes);
        if (hit is not null) CacheTelemetry.RedisHit(bytes.Length);
        return hit;
    }

    /// <summary>Stores a value; nobody waits for it, and it may fail.</summary>
    public void Write<T>(EntryRequest request, T value, byte[] payload, FreshnessMark mark, Lease began, TimeSpan life)
    {
        if (mark.Era is not { } era || value is null && request.Group.Readable is not null || !MayTry()) return;
        var longest = options.Freshness.Retention - options.Freshness.Margin;
        if (life > longest && !options.Freshness.IsOff(Mechanisms.Horizon)) life = longest;   // it would be of no use for longer
        var facts = new EntryFacts(era.Epoch, began.Snapshot.Xmin, began.DatabaseTime, state.DatabaseTime(state.Lease) + life, mark.TagHashes, mark.Stamps);
        var bytes = request.Group.Readable is IReadableEntry<T> form
            ? ReadableEntry.Write(request.Key, facts, request.Group.SchemaVersion, form, value, _secret)
            : BinaryEntry.Write(request.Key, facts, payload, _secret);
        Observe(SetAsync());

        async ValueTask SetAsync()
        {
            await MisbehaveAsync(CancellationToken.None).ConfigureAwait(false);
            await client.SetAsync(_prefix + request.Key, bytes, life, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Makes room: what is removed was refused anyway.</summary>
    public void Remove(IEnumerable<string> keys)
    {
        if (!MayTry()) return;
        string[] places = [.. keys.Select(key => _prefix + key)];
        Observe(DeleteAsync());

        async ValueTask DeleteAsync()
        {
            await MisbehaveAsync(CancellationToken.None).ConfigureAwait(false);
            await client.DeleteAsync(places, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The keys that begin with a text, as the cache names them. Throws where Redis can't say.</summary>
    public async IAsyncEnumerable<string> FindKeysAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var key in client.ScanAsync(Escape(_prefix + prefix) + "*", ct).ConfigureAwait(false)) yield return key[_prefix.Length..];
    }

    /// <summary>What stands under a key, for people. Throws where Redis can't say.</summary>
    public Task<byte[]?> GetRawAsync(string key, CancellationToken ct) => client.GetAsync(_prefix + key, ct).AsTask();

    /// <summary>What an entry says of itself, whatever its value is.</summary>
    public Verdict ReadFacts(string key, byte[] bytes, out EntryFacts? facts) => bytes is [(byte)'{', ..]
        ? ReadableEntry.Read(key, bytes, _secret, static _ => true, out facts)
        : BinaryEntry.Read(key, bytes, _secret, out facts, out _);

    private RedisHit<T>? Judge<T>(EntryRequest request, EntrySerializer<T> serializer, byte[] bytes)
    {
        var verdict = TryParse(request, serializer, bytes, out var facts, out var value, out var payload);
        if (verdict == Verdict.Forged) Forged(request);
        if (facts is null || verdict != Verdict.Good)
        {
            CacheTelemetry.RedisMiss();
            return null;
        }

        var left = facts.ExpiresAt - state.DatabaseTime(state.Lease);
        if (left <= TimeSpan.Zero)
        {
            CacheTelemetry.RedisExpired();
            return null;
        }

        if (state.MarkOf(facts.Epoch, facts.Xmin, facts.TagHashes, facts.Stamps) is { } mark && CarriesAll(request, facts) && state.MayServe(mark, clock.GetTimestamp()))
            return new RedisHit<T>(value!, payload, mark, left);
        CacheTelemetry.RedisRefused();
        return null;
    }

    private Verdict TryParse<T>(EntryRequest request, EntrySerializer<T> serializer, byte[] bytes, out EntryFacts? facts, out T? value, out byte[] payload)
    {
        var secret = _trustsAnything ? null : _secret;
        payload = EntrySerializer.NotWritten;
        if (request.Group.Readable is IReadableEntry<T> form)
            return ReadableEntry.Read(request.Key, bytes, request.Group.SchemaVersion, form, secret, out facts, out value);
        value = default;
        var verdict = BinaryEntry.Read(request.Key, bytes, secret, out facts, out payload);
        if (verdict == Verdict.Good && !serializer.TryRead(payload, request.Group.SchemaVersion, out value)) verdict = Verdict.Foreign;
        return verdict;
    }

    /// <summary>Whether it goes by all that the caller names: made by a version of the application that knew fewer tags, it would outlive changes.</summary>
    private static bool CarriesAll(EntryRequest request, EntryFacts facts) => Array.TrueForAll(request.TagHashes, tag => facts.TagHashes.Contains(tag));

    private bool MayTry()
    {
        if (client.IsConnected)
        {
            if (Breaker.MayTry()) return true;
        }
        else
        {
            Away("not connected");
        }

        CacheTelemetry.RedisSkipped();
        return false;
    }

    private void Succeeded()
    {
        Breaker.Succeeded();
        if (Volatile.Read(ref _isAway) == 1 && Interlocked.Exchange(ref _isAway, 0) == 1) LogBack();
    }

    private void Failed(Exception e)
    {
        CacheTelemetry.RedisFailed();
        // An answer, though not the one hoped for: out of memory, read-only, without rights. The next tier does it, and others need not try.
        if (Breaker.Failed()) Away(e.Message);
    }

    private void Away(string reason)
    {
        if (Interlocked.Exchange(ref _isAway, 1) == 0) LogAway(reason);
    }

    private void Forged(EntryRequest request)
    {
        CacheTelemetry.RedisForged();
        var (last, now) = (Interlocked.Read(ref _forgedAt), clock.GetTimestamp());
        if (last != 0 && clock.GetElapsedTime(last, now) < QuietTime) return;
        if (Interlocked.CompareExchange(ref _forgedAt, now, last) == last) LogForged(request.Group.Name);
    }

    private void Observe(ValueTask call)
    {
        if (call.IsCompletedSuccessfully) Succeeded();
        else _ = ObserveAsync(call);
    }

    // Bounded by the client's pipeline, and each by a command's time: nothing is left behind when the client is closed.
    [SuppressMessage("Design", "CA1031", Justification = "Whatever it is, the entry is just not there.")]
    private async Task ObserveAsync(ValueTask call)
    {
        try
        {
            await call.ConfigureAwait(false);
            Succeeded();
        }
        catch (Exception e)
        {
            Failed(e);
        }
    }

    private async ValueTask MisbehaveAsync(CancellationToken ct)
    {
        var chaos = options.Chaos.Redis;
        if (!chaos.IsActive) return;
        if (chaos.Delay > TimeSpan.Zero) await Task.Delay(chaos.Delay, clock, ct).ConfigureAwait(false);
        if (chaos.Fails()) throw new ChaosException();
    }

    private static string Escape(string text) => System.Text.RegularExpressions.Regex.Replace(text, @"[\\*?\[\]^-]", @"\$0", System.Text.RegularExpressions.RegexOptions.NonBacktracking);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Redis can't be used ({Reason}); the cache goes on without it, and says so when it is back.")]
    private partial void LogAway(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis is in use again.")]
    private partial void LogBack();

    [LoggerMessage(Level = LogLevel.Warning, Message = "An entry of group {Group} in Redis is not as this installation wrote it, or stands under another key; it is not served. More of these within a minute are only counted.")]
    private partial void LogForged(string group);
}

/// <summary>The Redis tier as it is at a moment.</summary>
public enum RedisState
{
    /// <summary>There is none.</summary>
    NotConfigured,

    /// <summary>Connected, and asked.</summary>
    InUse,

    /// <summary>Not connected, or it fails so often that it is left alone; the cache goes on without it.</summary>
    Away,
}

/// <summary>A value from Redis that may be served.</summary>
/// <param name="Left">How much of its life is left.</param>
internal sealed record RedisHit<T>(T Value, byte[] Payload, FreshnessMark Mark, TimeSpan Left);
