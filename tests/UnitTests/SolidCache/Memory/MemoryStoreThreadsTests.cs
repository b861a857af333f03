using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

public class MemoryStoreThreadsTests
{
    private const int Threads = 8, Keys = 160, Rounds = 40, StepsInRound = 4_000;

    private readonly MemoryStore _store = new(6_000);
    private readonly string[] _keys = [.. Enumerable.Range(0, Keys).Select(i => $"k{i:000}")];
    private readonly int[] _versions = new int[Keys];

    // Each key is set by one thread, in versions that only rise; everything else everybody does to every key. Take the lock out of Set or out of Remove, or make room
    // after the entry is in, when Bytes is too high for an instant, and this fails.
    [Fact]
    public async Task Eight_threads_at_once_see_no_older_value_and_leave_sums_that_agree()
    {
        using var together = new Barrier(Threads, _ => HoldsTogether());
        var all = Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(() => Work(thread, together), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        await Task.WhenAll(all);
        Assert.InRange(_store.Evictions, Rounds, long.MaxValue);

        // An entry that is in the dictionary and in no queue would stay for ever. New ones, each asked for twice, push everything out that can leave.
        for (var i = 0; i < 2_000; i++)
        {
            Assert.True(_store.Set(new Versioned($"new{i}", 0, 1)));
            for (var hits = 0; hits < 2; hits++) _store.TryGet($"new{i}", out _);
        }

        HoldsTogether();
        Assert.DoesNotContain(_store.Snapshot(), e => e.Key[0] == 'k');
    }

    private void Work(int thread, Barrier together)
    {
        try
        {
            var numbers = new Numbers((ulong)thread + 1);
            var seen = new int[Keys];
            for (var round = 0; round < Rounds; round++)
            {
                together.SignalAndWait();
                for (var i = 0; i < StepsInRound; i++) Step(thread, numbers, seen);
            }
        }
        finally
        {
            together.RemoveParticipant();
        }
    }

    private void Step(int thread, Numbers numbers, int[] seen)
    {
        var key = numbers.Next(Keys);
        switch (numbers.Next(100))
        {
            case < 25:
                key = key / Threads * Threads + thread;
                var entry = new Versioned(_keys[key], numbers.Next(300), ++_versions[key]);
                Assert.True(_store.Set(entry));
                seen[key] = entry.Version;
                if (_store.TryGet(_keys[key], out var own)) Assert.Same(entry, own);
                break;
            case < 30:
                _store.Remove(_keys[key]);
                break;
            case < 35:
                if (_store.TryGet(_keys[key], out var present)) _store.Remove(present);
                break;
            case 35 when numbers.Next(100) == 0:
                _store.Clear();
                break;
            case 36:
                foreach (Versioned any in _store.Snapshot()) Assert.InRange(any.Version, 1, int.MaxValue);
                break;
            default:
                if (numbers.Next(2) == 0 ? _store.TryGet(_keys[key], out var found) : _store.TryGet(_keys[key].AsSpan(), out found))
                {
                    Assert.Equal(_keys[key], found.Key);
                    Assert.InRange(((Versioned)found).Version, seen[key], int.MaxValue);
                    seen[key] = ((Versioned)found).Version;
                }

                break;
        }

        Assert.InRange(_store.Bytes, 0, _store.MaxBytes);
    }

    /// <summary>Nobody works while this runs.</summary>
    private void HoldsTogether()
    {
        var present = _store.Snapshot().ToArray();
        Assert.Equal(present.Length, present.DistinctBy(e => e.Key).Count());
        Assert.Equal((present.Length, present.Sum(MemoryStore.ChargeOf)), (_store.Count, _store.Bytes));
        Assert.All(present, e => Assert.True(_store.TryGet(e.Key, out var found) && found == e));
    }

    private sealed class Versioned(string key, long bytes, int version) : MemoryEntry(key, bytes)
    {
        public int Version => version;
    }
}
