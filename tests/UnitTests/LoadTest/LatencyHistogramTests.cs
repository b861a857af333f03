using AuthService.LoadTest;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.LoadTest;

public class LatencyHistogramTests
{
    private static readonly double[] Parts = [0.001, 0.5, 0.9, 0.99, 0.999, 1];

    // Round down in EndOf, halve the buckets, or count the rank from 0, and this fails.
    [Fact]
    public void A_percentile_is_never_below_the_exact_one_and_less_than_a_128th_above_it()
    {
        // Of every size: a power of two, and something below it.
        var values = (from power in Gen.Choose(0, 39) from share in Gen.Choose(0, 1_000_000) select (long)((1L << power) * (share / 1_000_000.0))).NonEmptyListOf();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(values.ToArbitrary(), list =>
        {
            var histogram = new LatencyHistogram();
            foreach (var value in list) histogram.Record(value);
            var sorted = list.Order().ToArray();
            return histogram.Count == sorted.Length && histogram.Max == sorted[^1] && Parts.All(part =>
            {
                var exact = sorted[Math.Max(1, (int)Math.Ceiling(part * sorted.Length)) - 1];
                var said = histogram.Percentile(part);
                return said >= exact && (said == exact || said < exact * (1 + 1 / 128.0));
            });
        }));
    }

    [Fact]
    public void What_is_below_256_microseconds_is_exact_and_what_is_out_of_range_counts_at_its_end()
    {
        for (var value = 0; value < 256; value++)
        {
            var one = new LatencyHistogram();
            one.Record(value);
            one.Record(long.MaxValue);
            Assert.Equal(value, one.Percentile(0.5));
        }

        var histogram = new LatencyHistogram();
        Assert.Equal((0, 0), (histogram.Percentile(0.99), histogram.Max));
        histogram.Record(-1);
        Assert.Equal(0, histogram.Max);
        histogram.Record(long.MaxValue);
        Assert.Equal(((1L << 40) - 1, 2), (histogram.Percentile(1), histogram.Count));
    }
}
