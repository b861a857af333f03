using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Audit;

/// <summary>Makes the partitions of <c>audit_events</c> for this month and the next ones. What is missing costs no event: the default partition takes them.</summary>
internal sealed class PreparePartitions(NpgsqlDataSource db) : IRecurringJob
{
    private static readonly SqlFile Prepare = SqlFile.Beside<PreparePartitions>("prepare");

    public string Name => "prepare_audit_partitions";
    public TimeSpan Interval { get; } = TimeSpan.FromHours(12);

    public async Task<string> RunAsync(IProgress<string> progress, CancellationToken ct)
    {
        await using var command = Prepare.On(db);
        await command.ExecuteNonQueryAsync(ct);
        return "prepared";
    }
}
