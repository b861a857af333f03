using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using SolidCache.Redis.Resp;

namespace IntegrationTests.SolidCache.Redis.Resp;

/// <summary>
/// Callers that write and read, each its own keys, while something happens to the server. A value says its key and the number of its write: an answer that
/// belongs to another question, or is older than what this caller has since been told is stored, is wrong. A call that does not end is found too.
/// </summary>
internal sealed class Traffic : IAsyncDisposable
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(5);

    private readonly RedisClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly Task _callers;
    private long _answered;
    private long _unavailable;
    private long _longest;

    private readonly ConcurrentDictionary<string, long> _refusals = new(StringComparer.Ordinal);

    /// <param name="mayForget">Whether the server may lose what was stored: then nothing, and older values, are right as well.</param>
    public Traffic(RedisClient client, bool mayForget, int callers = 16)
    {
        _client = client;
        _callers = Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => CallAsync(caller, mayForget))));
    }

    public long Answered => Interlocked.Read(ref _answered);
    public long Unavailable => Interlocked.Read(ref _unavailable);
    public IReadOnlyDictionary<string, long> Refusals => _refusals;

    /// <summary>Returns when calls are answered again, and how long that took.</summary>
    public async Task<TimeSpan> AnsweredAgainAsync()
    {
        var (began, before) = (Stopwatch.GetTimestamp(), Answered);
        await Eventually.TrueAsync(() => Answered > before + 200, TimeSpan.FromSeconds(30));
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Ends it; nothing was wrong, and no call took longer than it may.</summary>
    public async Task<string> EndAsync(TimeSpan longestCall)
    {
        await _stop.CancelAsync();
        await _callers.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Empty(_wrong);
        var longest = TimeSpan.FromTicks(Interlocked.Read(ref _longest));
        Assert.True(longest < longestCall, $"a call took {longest}");
        var refusals = string.Join(' ', _refusals.OrderBy(r => r.Key).Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Key}:{r.Value}")));
        return string.Create(CultureInfo.InvariantCulture, $"{Answered} answered, {Unavailable} unavailable, refused {refusals}; longest call {longest.TotalMilliseconds:F0} ms");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _callers.WaitAsync(TimeSpan.FromSeconds(30));
        _stop.Dispose();
    }

    private async Task CallAsync(int caller, bool mayForget)
    {
        var stored = new long[8];   // by key: the newest write that was said to be done
        var written = new long[8];
        for (var i = 0L; !_stop.IsCancellationRequested; i++)
        {
            var which = (int)(i % 8);
            var key = string.Create(CultureInfo.InvariantCulture, $"traffic:{caller}:{which}");
            var began = Stopwatch.GetTimestamp();
            try
            {
                if (i / 8 % 2 == 0)
                {
                    written[which]++;
                    await _client.SetAsync(key, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{key}={written[which]}")), Life, CancellationToken.None);
                    stored[which] = written[which];
                }
                else
                {
                    Judge(key, await _client.GetAsync(key, CancellationToken.None), stored[which], written[which], mayForget);
                }

                Interlocked.Increment(ref _answered);
            }
            catch (RedisUnavailableException)
            {
                Interlocked.Increment(ref _unavailable);
                await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System, CancellationToken.None);   // it fails at once: not a million times a second
            }
            catch (RedisException e)
            {
                _refusals.AddOrUpdate(e.Code, 1, static (_, n) => n + 1);
                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
            }

            var took = Stopwatch.GetElapsedTime(began).Ticks;
            for (var seen = Interlocked.Read(ref _longest); took > seen; seen = Interlocked.Read(ref _longest)) Interlocked.CompareExchange(ref _longest, took, seen);
        }
    }

    private void Judge(string key, byte[]? answer, long stored, long written, bool mayForget)
    {
        if (answer is null)
        {
            if (stored > 0 && !mayForget) _wrong.Enqueue($"{key}: nothing, after write {stored}");
            return;
        }

        var parts = Encoding.UTF8.GetString(answer).Split('=');
        if (parts.Length != 2 || parts[0] != key) _wrong.Enqueue($"{key} got {parts[0]}");
        else if (long.Parse(parts[1], CultureInfo.InvariantCulture) is var number && (number > written || (number < stored && !mayForget))) _wrong.Enqueue($"{key}: write {number}, after {stored} of {written}");
    }
}
