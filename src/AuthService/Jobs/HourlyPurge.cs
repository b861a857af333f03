using System.Globalization;

namespace AuthService.Jobs;

/// <summary>Deletes rows that nobody needs any more, every hour, in small batches. What must go is the statement's to say.</summary>
internal abstract class HourlyPurge(string name) : IRecurringJob
{
    private const int BatchSize = 1_000;
    private const int MaxBatchesPerRun = 1_000;

    public string Name => name;
    public TimeSpan Interval { get; } = TimeSpan.FromHours(1);

    /// <returns>How many were deleted: fewer than <paramref name="limit"/> if there are no more.</returns>
    protected abstract Task<long> DeleteAsync(int limit, CancellationToken ct);

    public async Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        long deleted = 0;
        for (var i = 0; i < MaxBatchesPerRun; i++)
        {
            var rows = await DeleteAsync(BatchSize, ct);
            deleted += rows;
            if (rows < BatchSize) break;
            progress.Report(Said(deleted));
        }

        return Said(deleted);
    }

    private static string Said(long deleted) => string.Create(CultureInfo.InvariantCulture, $"{deleted:N0} deleted");
}
