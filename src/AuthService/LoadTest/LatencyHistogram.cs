using System.Numerics;

namespace AuthService.LoadTest;

/// <summary>
/// How long things took, in whole microseconds, in a fixed 35 KB: exact below 256 µs, from there 128 buckets to every power of two. A percentile is never
/// below the exact one and less than 1/128 (0.8 %) above it; the longest is exact. Up to 12 days. Not for several threads at once.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int BucketBits = 7;
    private const int BucketsPerPower = 1 << BucketBits;
    private const int ValueBits = 40;
    private const long Largest = (1L << ValueBits) - 1;

    private readonly long[] _counts = new long[BucketOf(Largest) + 1];

    public long Count { get; private set; }

    /// <summary>In microseconds; 0 if nothing was recorded.</summary>
    public long Max { get; private set; }

    public void Record(long microseconds)
    {
        var value = Math.Clamp(microseconds, 0, Largest);
        _counts[BucketOf(value)]++;
        Count++;
        Max = Math.Max(Max, value);
    }

    /// <param name="part">Above 0, up to 1: 0.99 for the time that 99 of a hundred did not exceed.</param>
    /// <returns>In microseconds; 0 if nothing was recorded.</returns>
    public long Percentile(double part)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(part * Count));
        long seen = 0;
        for (var bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= rank) return Math.Min(EndOf(bucket), Max);
        }

        return Max;
    }

    private static int BucketOf(long value)
    {
        if (value < 2 * BucketsPerPower) return (int)value;
        var shift = BitOperations.Log2((ulong)value) - BucketBits;
        return (shift << BucketBits) + (int)(value >> shift);
    }

    private static long EndOf(int bucket)
    {
        if (bucket < 2 * BucketsPerPower) return bucket;
        var shift = (bucket >> BucketBits) - 1;
        return ((bucket - ((long)shift << BucketBits) + 1) << shift) - 1;
    }
}
