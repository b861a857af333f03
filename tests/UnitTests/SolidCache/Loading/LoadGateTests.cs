using Microsoft.Extensions.Caching.Hybrid;
using SolidCache.Loading;

namespace UnitTests.SolidCache.Loading;

public class LoadGateTests
{
    private readonly LoadGate _gate = new();

    [Fact]
    public void A_load_is_joined_by_those_who_ask_for_the_same_in_the_same_way()
    {
        var first = _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out var began);
        Assert.True(began);
        Assert.Same(first, _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out began));
        Assert.False(began);
        _gate.JoinOrBegin<string>("other", HybridCacheEntryFlags.None, out began);
        Assert.True(began);
        _gate.JoinOrBegin<object>("key", HybridCacheEntryFlags.None, out began);
        Assert.True(began);
        _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.DisableLocalCache, out began);
        Assert.True(began);
    }

    // Join one that everybody has left and the caller gets their cancellation.
    [Fact]
    public void A_load_that_everybody_has_left_is_not_joined()
    {
        var first = _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out _);
        _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out _).Leave();
        Assert.False(first.Token.IsCancellationRequested);
        first.Leave();
        Assert.True(first.Token.IsCancellationRequested);
        Assert.NotSame(first, _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out var began));
        Assert.True(began);
    }

    // The other order lets a caller who comes back from a load join that very load again, which is no newer one.
    [Fact]
    public async Task A_load_is_gone_before_its_waiters_hear_of_its_end()
    {
        var load = _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out _);
        var goOn = new TaskCompletionSource<LoadResult<string>>();
        var run = _gate.RunAsync("key", HybridCacheEntryFlags.None, load, _ => goOn.Task);
        var heard = load.Result.ContinueWith(_ => _gate.Count, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        goOn.SetResult(new LoadResult<string>("value", [], 0, null, isFound: true));
        await run;
        Assert.Equal(0, await heard);
    }

    [Fact]
    public async Task A_load_that_fails_is_gone_as_well()
    {
        var load = _gate.JoinOrBegin<string>("key", HybridCacheEntryFlags.None, out _);
        await _gate.RunAsync("key", HybridCacheEntryFlags.None, load, _ => throw new InvalidDataException());
        await Assert.ThrowsAsync<InvalidDataException>(() => load.Result);
        Assert.Equal(0, _gate.Count);
    }
}
