using System.Diagnostics;

namespace Bench.Authorization;

/// <summary>Random accounts, random permissions, on one thread.</summary>
internal static class InMemoryChecks
{
    private const int ChecksPerLook = 256;   // between two looks at the clock
    private const ulong Seed = 0x9E3779B97F4A7C15;   // fixed: every round asks the same questions

    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(1);

    /// <param name="first">Number of the first account; the others follow it.</param>
    /// <returns>For one check: nanoseconds, bytes allocated, and how many of one were allowed.</returns>
    public static (double Ns, double Bytes, double Allowed) Run(RightsUnderTest rights, long first, int users, string[] permissions)
    {
        long checks = 0, allowed = 0;
        var state = Seed;
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        var elapsed = TimeSpan.Zero;
        while (elapsed < RoundTime)
        {
            for (var i = 0; i < ChecksPerLook; i++)
            {
                var id = first + Below(users, Next(ref state));
                var permission = permissions[(int)((state & 0xFFFF_FFFF) * (ulong)permissions.Length >> 32)];
                var pending = rights.OfAsync(id);
                var found = pending.IsCompletedSuccessfully ? pending.Result : pending.AsTask().GetAwaiter().GetResult();
                if (found.Allow(permission)) allowed++;
            }

            checks += ChecksPerLook;
            elapsed = Stopwatch.GetElapsedTime(started);
        }

        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        return (elapsed.TotalNanoseconds / checks, bytes / (double)checks, allowed / (double)checks);
    }

    /// <summary>The same accounts, asked for in another way, for comparison.</summary>
    /// <returns>Nanoseconds for one.</returns>
    public static double RunNs(Func<long, bool> find, long first, int users)
    {
        var (state, count) = (Seed, 0L);
        var started = Stopwatch.GetTimestamp();
        var elapsed = TimeSpan.Zero;
        for (; elapsed < RoundTime; elapsed = Stopwatch.GetElapsedTime(started), count += ChecksPerLook)
        {
            for (var i = 0; i < ChecksPerLook; i++)
            {
                if (!find(first + Below(users, Next(ref state)))) throw new InvalidOperationException("Everybody is in it.");
            }
        }

        return elapsed.TotalNanoseconds / count;
    }

    private static long Below(int limit, ulong random) => (long)((random >> 32) * (ulong)limit >> 32);

    /// <summary>Xorshift: a nanosecond, so that what is measured is the check.</summary>
    private static ulong Next(ref ulong state)
    {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^= state << 17;
    }
}
