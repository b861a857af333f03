using System.Globalization;
using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Authorization;

/// <summary>
/// Loads the rights of those who signed in last before the node serves, so that its first minute is not one of misses. And again on one node each time entries reach
/// their age: where there is Redis, the others find them there.
/// </summary>
internal sealed partial class WarmUpRights(Rights rights, NpgsqlDataSource db, PermissionCacheOptions options, TimeProvider clock, ILogger<WarmUpRights> logger) : IHostedService, IRecurringJob
{
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMinutes(1);

    // As many as a lane takes into one statement, some times over.
    private const int Slice = 1_000;

    private static readonly SqlFile FindRecent = SqlFile.Beside<WarmUpRights>("find_recent");

    public string Name => "warm_up_rights";

    public TimeSpan Interval => options.TimeToLive > ShortestInterval ? options.TimeToLive : ShortestInterval;

    private bool IsWanted => options.Enabled && options.WarmUpUsers > 0 && options.WarmUpTime > TimeSpan.Zero;

    public async Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        if (!IsWanted) return "switched off";
        var loaded = 0;
        foreach (var slice in (await FindRecentAsync(ct)).Chunk(Slice))
        {
            await Task.WhenAll(slice.Select(id => rights.OfAsync(id, ct).AsTask()));
            loaded += slice.Length;
            progress.Report(Said(loaded));
        }

        return Said(loaded);

        static string Said(int count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} accounts");
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!IsWanted) return;
        var startedAt = clock.GetTimestamp();
        using var limit = new CancellationTokenSource(options.WarmUpTime, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var loaded = 0;
        try
        {
            foreach (var slice in (await FindRecentAsync(either.Token)).Chunk(Slice))
            {
                await Task.WhenAll(slice.Select(id => rights.OfAsync(id, either.Token).AsTask()));
                loaded += slice.Length;
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is NpgsqlException or TimeoutException or OperationCanceledException or InvalidOperationException)
        {
            // What is not there is loaded when it is asked for.
            LogCutShort(e);
        }

        var took = clock.GetElapsedTime(startedAt);
        LogWarm(loaded, took);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<List<long>> FindRecentAsync(CancellationToken ct)
    {
        await using var command = FindRecent.On(db).With(options.WarmUpUsers);
        await using var row = await command.ExecuteReaderAsync(ct);
        var ids = new List<long>();
        while (await row.ReadAsync(ct)) ids.Add(row.GetInt64(0));
        return ids;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The rights of {Count} accounts were loaded in {Time}.")]
    private partial void LogWarm(int count, TimeSpan time);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Loading rights before the start was cut short; the rest is loaded when it is asked for.")]
    private partial void LogCutShort(Exception exception);
}
