using System.Text.RegularExpressions;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;

namespace IntegrationTests.Deploy;

/// <summary><c>deploy/cron/pg_cron.sql</c> on a server with the real extension, set up as the page beside it says.</summary>
[Trait(TestRun.LongTrait, "yes")]
public partial class PgCronTests
{
    /// <summary>pg_cron before 1.5 knows no schedule finer than a minute.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(100);

    // Misspell the procedure, or call what isn't installed, and the run has failed: seen.
    [Fact]
    public async Task Expired_entries_go_by_the_schedule_of_the_database()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(180));
        var ct = limit.Token;
        await using var folder = new TestFolder();
        var settings = Setting().Matches(ShippedFiles.Read("cron", "README.md").Split("```ini")[1].Split("```")[0])
            .ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value.Trim('\''), StringComparer.Ordinal);
        Assert.Equal(3, settings.Count);
        settings["fsync"] = "off";
        await using var server = await StartAsync(folder, settings, ct);
        await using var db = NpgsqlDataSource.Create(server.ConnectionString);
        await SolidCacheSchema.InstallAsync(db, token: ct);

        // As psql would run it, and again: a job is known by its name.
        for (var i = 0; i < 2; i++) await RunAsync(db, ShippedFiles.Read("cron", "pg_cron.sql"), ct);
        Assert.Equal("authservice_clean_up */10 * * * *, authservice_clean_up_history 23 3 * * *",
            await ReadAsync<string>(db, "SELECT string_agg(jobname || ' ' || schedule, ', ' ORDER BY jobname) FROM cron.job", ct));

        // More than one batch, so that it commits on the way.
        await RunAsync(db, """
            INSERT INTO solid_cache.solid_cache_entries (key_hash, key, value, byte_size, created_at, expires_at)
            SELECT n, CASE n WHEN 0 THEN 'stays' ELSE 'goes ' || n END, '\x00', 1, now(), now() + CASE n WHEN 0 THEN interval '1 h' ELSE interval '-1 s' END
            FROM   generate_series(0, 15000) n
            """, ct);
        await RunAsync(db, """
            SELECT cron.alter_job(jobid, schedule => CASE WHEN (SELECT extversion ~ '^1\.([5-9]|[1-9][0-9])|^[2-9]' FROM pg_extension WHERE extname = 'pg_cron') THEN '1 seconds' ELSE '* * * * *' END)
            FROM cron.job WHERE jobname = 'authservice_clean_up'
            """, ct);

        await Eventually.TrueAsync(async () => await ReadAsync<long>(db, "SELECT count(*) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')", ct) > 0, Limit);
        Assert.Equal("succeeded CALL solid_cache.cleanup_all_expired_cache()",
            await ReadAsync<string>(db, "SELECT status || ' ' || command FROM cron.job_run_details ORDER BY runid LIMIT 1", ct));
        Assert.Equal("stays", await ReadAsync<string>(db, "SELECT string_agg(key, ',') FROM solid_cache.solid_cache_entries", ct));
        await RunAsync(db, "DELETE FROM cron.job_run_details WHERE end_time < now() - interval '7 days'", ct);   // the other job's statement
    }

    private static async Task<PrivatePostgres> StartAsync(TestFolder folder, Dictionary<string, string> settings, CancellationToken ct)
    {
        try
        {
            return await PrivatePostgres.StartAsync(folder.Path, new PrivatePostgresParameters { Settings = settings }, NullLogger.Instance, ct);
        }
        catch (PrivatePostgresException e) when (e.Message.Contains("pg_cron", StringComparison.Ordinal))
        {
            throw new InvalidOperationException("pg_cron is missing: run ./dev setup, or install Debian's postgresql-15-cron (with the number of your PostgreSQL).", e);
        }
    }

    private static async Task RunAsync(NpgsqlDataSource db, string sql, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<T> ReadAsync<T>(NpgsqlDataSource db, string sql, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(ct))!;
    }

    [GeneratedRegex(@"^(?<name>[a-z_.]+) = (?<value>'[^']*'|\w+)", RegexOptions.Multiline)]
    private static partial Regex Setting();
}
