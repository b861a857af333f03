using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

public class EvictedKeysTests
{
    // Let Place always take the first slot and three of four are forgotten; leave the age out of Contains and the old ones are remembered too.
    [Theory]
    [InlineData(10)]
    [InlineData(1_000)]
    [InlineData(1_024)]
    [InlineData(30_000)]
    public void The_last_ones_are_remembered_nearly_all_and_older_ones_are_not(int memory)
    {
        var keys = new EvictedKeys();
        for (var i = 0; i < 3 * memory; i++) keys.Add($"k{i}", memory);
        Assert.InRange(Remembered(2 * memory, 3 * memory), memory * 7 / 10, memory);
        Assert.InRange(Remembered(0, 2 * memory), 0, 1 + memory / 1_000);
        Assert.InRange(Remembered(3 * memory, 6 * memory), 0, 1 + memory / 1_000);
        keys.Clear();
        Assert.Equal(0, Remembered(0, 3 * memory));

        int Remembered(int from, int to) => Enumerable.Range(from, to - from).Count(i => keys.Contains($"k{i}", memory));
    }

    // Throw the old slots away in Grow and they are forgotten.
    [Fact]
    public void A_larger_memory_keeps_what_the_smaller_one_had()
    {
        var keys = new EvictedKeys();
        for (var i = 0; i < 20; i++) keys.Add($"k{i}", 20);
        keys.Add("last", 10_000);
        Assert.InRange(Enumerable.Range(0, 20).Count(i => keys.Contains($"k{i}", 10_000)), 15, 20);
    }

    [Fact]
    public void Who_left_again_is_as_young_as_the_last_time()
    {
        var keys = new EvictedKeys();
        keys.Add("a", 10);
        for (var i = 0; i < 9; i++) keys.Add($"k{i}", 10);
        Assert.True(keys.Contains("a", 10));
        keys.Add("a", 10);
        for (var i = 9; i < 18; i++) keys.Add($"k{i}", 10);
        Assert.True(keys.Contains("a", 10));
        keys.Add("k18", 10);
        Assert.False(keys.Contains("a", 10));
    }
}
