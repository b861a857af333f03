using System.Globalization;
using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.Email;

/// <summary>Deletes tokens of mails that are out of date, and counts of mails that count no more.</summary>
internal sealed class PurgeEmailTokens(NpgsqlDataSource db) : IRecurringJob
{
    private const int BatchSize = 1_000;
    private const int MaxBatches = 1_000;

    private static readonly SqlFile DeleteExpired = SqlFile.Beside<PurgeEmailTokens>("delete_expired");
    private static readonly SqlFile DeleteCounts = SqlFile.Beside<PurgeEmailTokens>("delete_counts");

    public string Name => "purge_email_tokens";
    public TimeSpan Interval => TimeSpan.FromHours(1);

    public async Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        var tokens = await DeleteAsync(DeleteExpired, ct);
        var counts = await DeleteAsync(DeleteCounts, ct);
        return string.Create(CultureInfo.InvariantCulture, $"{tokens} tokens and {counts} counts deleted");
    }

    private async Task<long> DeleteAsync(SqlFile file, CancellationToken ct)
    {
        long deleted = 0;
        for (var i = 0; i < MaxBatches; i++)
        {
            await using var command = file.On(db).With(BatchSize);
            var rows = await command.ExecuteNonQueryAsync(ct);
            deleted += rows;
            if (rows < BatchSize) break;
        }

        return deleted;
    }
}
