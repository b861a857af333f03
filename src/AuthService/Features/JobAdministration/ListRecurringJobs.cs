using AuthService.Client;
using AuthService.Database;
using AuthService.Jobs;
using Npgsql;

namespace AuthService.Features.JobAdministration;

/// <summary>All recurring jobs: those of this version, and what the table has of others.</summary>
internal sealed class ListRecurringJobs(NpgsqlDataSource db, IEnumerable<IRecurringJob> jobs)
{
    private static readonly SqlFile List = SqlFile.Beside<ListRecurringJobs>("list_recurring");

    public async Task<IReadOnlyList<RecurringJobInfo>> ExecuteAsync(CancellationToken ct)
    {
        var found = new SortedDictionary<string, RecurringJobInfo>(StringComparer.Ordinal);
        foreach (var job in jobs) found[job.Name] = new RecurringJobInfo { Name = job.Name, IntervalSeconds = job.Interval.TotalSeconds, Runs = 0, Failures = 0 };
        await using var command = List.On(db);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var name = row.GetString(0);
            found[name] = new RecurringJobInfo
            {
                Name = name,
                IntervalSeconds = found.GetValueOrDefault(name)?.IntervalSeconds,
                NextAt = ListJobs.Time(row, 1),
                StartedAt = ListJobs.Time(row, 2),
                EndedAt = ListJobs.Time(row, 3),
                Node = row.IsDBNull(4) ? null : row.GetString(4),
                Progress = row.IsDBNull(5) ? null : row.GetString(5),
                Succeeded = row.IsDBNull(6) ? null : row.GetBoolean(6),
                Result = row.IsDBNull(7) ? null : row.GetString(7),
                Runs = row.GetInt64(8),
                Failures = row.GetInt64(9),
            };
        }

        return [.. found.Values];
    }
}
