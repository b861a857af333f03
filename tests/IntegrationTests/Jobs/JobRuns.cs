using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using AuthService.Database;
using IntegrationTests.SolidCache.Freshness;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;

namespace IntegrationTests.Jobs;

/// <summary>What became of many jobs.</summary>
/// <param name="Runs">More than <paramref name="Effects"/>: some ran twice.</param>
/// <param name="LostTries">Tries that a killed node had begun.</param>
internal sealed record JobsDone(int Jobs, long Succeeded, long Runs, long Effects, long LostTries, long Dead, int Kills, TimeSpan Took);

/// <summary>Many jobs on several nodes, one of which is killed again and again. <c>./dev load jobs [count]</c> is the long form.</summary>
internal static class JobRuns
{
    public const string Kind = "count_run";
    private static readonly TimeSpan BetweenKills = TimeSpan.FromSeconds(5);

    public static async Task<int> RunLongAsync(int count)
    {
        await TestFolder.SweepAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(20));
        Tell(await RunOnOwnServerAsync(count / 5, kills: 0, limit.Token));
        var done = await RunOnOwnServerAsync(count, kills: int.MaxValue, limit.Token);
        Tell(done);
        return done.Effects == done.Jobs && done.Succeeded == done.Jobs ? 0 : 1;
    }

    private static async Task<JobsDone> RunOnOwnServerAsync(int count, int kills, CancellationToken ct)
    {
        await using var server = await OwnServer.StartAsync(ct, ("max_connections", "200"), ("fsync", "on"));
        await using var db = NpgsqlDataSource.Create(server.ConnectionString);
        await SolidCacheSchema.InstallAsync(db, token: ct);
        await new Migrator(db, NullLogger<Migrator>.Instance).ApplyAsync(ct);
        return await RunAsync(db, server.ConnectionString, nodes: 3, count, kills, ct);
    }

    private static void Tell(JobsDone done) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{done.Jobs:N0} jobs on 3 nodes, {done.Kills} kills{(done.Kills > 0 ? $", one every {BetweenKills.TotalSeconds} s" : "")}: {done.Succeeded:N0} succeeded, {done.Effects:N0} effects, {done.LostTries:N0} tries lost with their node, {done.Runs - done.Effects:N0} ran again, {done.Jobs - done.Effects:N0} lost, {done.Dead:N0} dead, in {done.Took.TotalSeconds:F1} s: {done.Jobs / done.Took.TotalSeconds:F0}/s"));

    /// <param name="db">A migrated database.</param>
    /// <param name="kills">At most; the nodes take turns, and each comes back.</param>
    public static async Task<JobsDone> RunAsync(NpgsqlDataSource db, string connectionString, int nodes, int count, int kills, CancellationToken ct)
    {
        await ExecuteAsync(db, "CREATE TABLE runs (job uuid NOT NULL); CREATE TABLE effects (job uuid PRIMARY KEY)", ct);
        var setup = new JobSetup(connectionString, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var fleet = await Task.WhenAll(Enumerable.Range(0, nodes).Select(_ => JobNode.StartAsync(setup, ct)));
        try
        {
            await ExecuteAsync(db, string.Create(CultureInfo.InvariantCulture,
                $"INSERT INTO jobs (id, kind, arguments, run_at, last_try) SELECT gen_random_uuid(), '{Kind}', '{{}}', now(), 10 FROM generate_series(1, {count})"), ct);
            var began = Stopwatch.StartNew();
            var (killed, lastKill) = (0, Stopwatch.StartNew());
            while (await CountAsync(db, "SELECT count(*) FROM jobs WHERE state IN ('waiting', 'scheduled')", ct) > 0)
            {
                if (killed < kills && lastKill.Elapsed >= BetweenKills)
                {
                    var place = killed++ % nodes;
                    await fleet[place].KillAsync();
                    lastKill.Restart();
                    fleet[place].Dispose();
                    fleet[place] = await JobNode.StartAsync(setup, ct);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, ct);
            }

            return new JobsDone(count,
                await CountAsync(db, "SELECT count(*) FROM jobs WHERE state = 'succeeded'", ct), await CountAsync(db, "SELECT count(*) FROM runs", ct),
                await CountAsync(db, "SELECT count(*) FROM effects", ct), await CountAsync(db, "SELECT sum(jsonb_array_length(failed_tries))::bigint FROM jobs", ct), await CountAsync(db, "SELECT count(*) FROM jobs WHERE state = 'dead'", ct), killed, began.Elapsed);
        }
        finally
        {
            foreach (var node in fleet) node.Dispose();
        }
    }

    private static async Task ExecuteAsync(NpgsqlDataSource db, string sql, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<long> CountAsync(NpgsqlDataSource db, string sql, CancellationToken ct)
    {
        await using var command = db.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }
}
