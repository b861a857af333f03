using System.Runtime.CompilerServices;
using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

/// <summary>What the garbage collector says. It counts the whole process, so nothing else runs beside these.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
[Collection("Alone")]
public class MemoryStoreWeightTests
{
    /// <summary>For the store itself, the test runner and the smallest EvictedKeys.</summary>
    private const long Aside = 64 * 1024;

    // Keys of 14 characters, whose strings have the most padding; three times as many as fit, so that queues and EvictedKeys have all they will ever have. Take 16 off
    // EntryOverhead and the first assertion fails; add 32 and the second: a store that charges too much holds too little.
    [Theory]
    [InlineData(10_000)]
    [InlineData(50_000)]
    [InlineData(80_000)]
    [InlineData(200_000)]
    public void Entries_weigh_at_most_what_they_are_charged_and_not_much_less(int entries)
    {
        var before = Measured();
        var store = new MemoryStore(entries * (MemoryStore.EntryOverhead + 28L));
        Fill(store, 3 * entries);
        var measured = Measured() - before;
        Assert.Equal((entries, store.MaxBytes), (store.Count, store.Bytes));
        Assert.InRange(measured, store.Bytes * 85 / 100 - Aside, store.Bytes + Aside);
    }

    // Without "entry.Key = old.Key" each entry that replaced another costs two strings.
    [Fact]
    public void Entries_that_replaced_others_weigh_no_more()
    {
        const int Entries = 50_000;
        var before = Measured();
        var store = new MemoryStore(Entries * (MemoryStore.EntryOverhead + 28L));
        Fill(store, Entries);
        Fill(store, Entries);
        Assert.Equal((Entries, 0L), (store.Count, store.Evictions));
        Assert.InRange(Measured() - before, 0, store.Bytes * 94 / 100 + Aside);
        GC.KeepAlive(store);
    }

    // What was replaced, removed, evicted or cleared is garbage at once, whatever the order. Without the first line of TakePlaceOf what was replaced stays in the queue.
    [Fact]
    public void Churn_leaves_nothing_behind_but_what_is_present()
    {
        var store = new MemoryStore(80 * (MemoryStore.EntryOverhead + 50L));
        var everything = Churn(store, 50_000);
        Measured();
        Assert.InRange(store.Evictions, 1_000, long.MaxValue);
        Assert.Equal(store.Count, everything.Count(entry => entry.IsAlive));
        GC.KeepAlive(store);
    }

    // Without the unlinking in Clear one that is held holds all the others.
    [Fact]
    public void Who_holds_an_old_entry_holds_no_other()
    {
        var store = new MemoryStore(100_000);
        var (removed, cleared, others) = RemoveAndClear(store);
        Measured();
        Assert.Equal(0, others.Count(entry => entry.IsAlive));
        GC.KeepAlive(removed);
        GC.KeepAlive(cleared);
        GC.KeepAlive(store);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fill(MemoryStore store, int entries)
    {
        for (var i = 0; i < entries; i++) store.Set(new Weighed($"k{i:0000000000000}", 0));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<WeakReference> Churn(MemoryStore store, int steps)
    {
        var (numbers, all) = (new Numbers(3), new List<WeakReference>(steps));
        for (var i = 0; i < steps; i++)
        {
            var key = $"k{numbers.Next(200)}";
            if (numbers.Next(4) == 0) store.Remove(key);
            else if (numbers.Next(2) == 0) store.TryGet(key, out _);
            else
            {
                var entry = new Weighed(key, numbers.Next(80));
                all.Add(new WeakReference(entry));
                store.Set(entry);
            }

            if (i == steps / 2) store.Clear();
        }

        return all;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (MemoryEntry Removed, MemoryEntry Cleared, List<WeakReference> Others) RemoveAndClear(MemoryStore store)
    {
        var entries = Enumerable.Range(0, 20).Select(i => new Weighed($"k{i}", 0)).ToArray();
        foreach (var entry in entries) store.Set(entry);
        foreach (var entry in entries[3..8]) store.Remove(entry);
        store.Clear();
        return (entries[5], entries[12], [.. entries.Where((_, i) => i is not (5 or 12)).Select(entry => new WeakReference(entry))]);
    }

    private static long Measured()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(forceFullCollection: false);
    }
}
