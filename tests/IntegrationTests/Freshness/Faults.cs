using System.Collections.Concurrent;
using System.Diagnostics;
using IntegrationTests.SolidCache.Freshness;
using Npgsql;

namespace IntegrationTests.Freshness;

/// <summary>
/// What breaks in operation, done to the processes of a run. Where it can, a fault has a right of its own revoked right then, and asks for it there
/// where it would be remembered.
/// </summary>
internal sealed class Faults(FreshnessRun run, CancellationToken ct)
{
    public const string Stopped = "process stopped";
    public const string StoppedAndCutOff = "process stopped, its connections cut";
    public const string Cut = "connections cut";
    public const string OutOfReach = "PostgreSQL out of reach for longer than the lease";
    public const string OpenTransaction = "transaction open for longer than the retention";
    public const string Killed = "process killed during a revoke";
    public const string KilledBeforeBarrier = "process killed between commit and barrier";
    public const string Restarted = "process restarted in order";

    private const int LateQuestions = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<RightSwitch> _reserved = new(run.People.Reserved);
    private readonly Chance _chance = run.NewChance();

    /// <summary>One of those that only concern the processes.</summary>
    /// <param name="longestStop">Seconds.</param>
    public Task AtRandomAsync(int longestStop) => _chance.Next(9) switch
    {
        0 => CutConnectionsAsync(),
        1 => KillDuringRevokeAsync(),
        2 => KillBeforeBarrierAsync(),
        3 => RestartAsync(),
        4 => StopAsync(0.3 + (_chance.Next(20) / 10.0), untilAnswered: true, cut: true),
        5 or 6 => StopAsync(0.05 + (_chance.Next(20) / 10.0)),
        _ => StopAsync(1 + _chance.Next(longestStop), untilAnswered: true),
    };

    /// <summary>
    /// A process stands still, a right that it remembers is revoked, questions reach it while it can't answer, and then it goes on.
    /// </summary>
    /// <param name="seconds">How long at least.</param>
    /// <param name="untilAnswered">Whether it stands still until the revoke is answered: when its lease has ended, since it can't say that it has learnt of it.</param>
    /// <param name="cut">Whether it finds itself without connections, so that what it remembers is all it has.</param>
    public async Task StopAsync(double seconds, bool untilAnswered = false, bool cut = false)
    {
        using var spell = run.Weather.Begin(cut ? StoppedAndCutOff : Stopped);
        var chance = run.NewChance();
        var stopped = run.Fleet.Pick(chance);
        await WithReservedAsync(chance, async right =>
        {
            Task<bool> revoke;
            Task late;
            var stop = run.Weather.Stopped();
            await run.Fleet.PauseAsync(stopped);
            try
            {
                var began = Stopwatch.GetTimestamp();
                revoke = run.FlipAsync(right, on: false, chance);
                if (untilAnswered) await Task.WhenAny(revoke, Task.Delay(Patience, TimeProvider.System, ct));
                if (Stopwatch.GetElapsedTime(began).TotalSeconds is var passed && passed < seconds) await run.ForAsync(seconds - passed, ct);
                if (cut) await CutAsync($"application_name = '{ServiceFleet.NameOf(stopped.Place)}'");
                late = AskOftenAsync(stopped, right, LateQuestions);
                // On its way: into the buffers of a process that does not read.
                await run.ForAsync(0.03, ct);
            }
            finally
            {
                await run.Fleet.GoOnAsync(stopped);
                stop.Dispose();
            }

            await revoke;
            await late;
            await AskForAWhileAsync(stopped, right);
        });
    }

    public async Task CutConnectionsAsync()
    {
        using var spell = run.Weather.Begin(Cut);
        var chance = run.NewChance();
        for (var i = 0; i < 5; i++)
        {
            await CutAsync($"pid IN (SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'service-%' ORDER BY md5(pid::text || {chance.Next(1000)}) LIMIT {1 + chance.Next(4)})");
            await run.ForAsync(0.1, ct);
        }
    }

    /// <summary>T34. When the lease has ended, nobody says yes or no; when PostgreSQL is back, all recover by themselves.</summary>
    public async Task TakePostgresAwayAsync(TestDatabase database)
    {
        using var spell = run.Weather.Begin(OutOfReach);
        await database.SetReachableAsync(false, ct);
        await run.ForAsync(run.Setup.LeaseSeconds + 0.1, ct);
        Assert.All(await AskAllAsync(), reply => Assert.Equal(503, reply.Status));
        await database.SetReachableAsync(true, ct);
        await Eventually.TrueAsync(async () => (await AskAllAsync()).All(reply => reply.Status == 200), Patience);

        Task<Reply[]> AskAllAsync() =>
            Task.WhenAll(run.Fleet.Members.Select(member => member.SendAsync(HttpMethod.Get, "/api/v1/authz/forward?permission=users:read", run.Reader)));
    }

    /// <summary>
    /// One transaction is open and does nothing, another revokes a right with SQL and commits late: what it wrote is old by then. The revoke is answered
    /// by a call that finds it done.
    /// </summary>
    public async Task OpenTransactionAsync(double seconds)
    {
        run.Weather.Count(OpenTransaction);
        var chance = run.NewChance();
        await WithReservedAsync(chance, async right =>
        {
            right.Begin(on: false, Stopwatch.GetTimestamp());
            try
            {
                await using var idle = await run.Db.OpenConnectionAsync(ct);
                await using var open = await idle.BeginTransactionAsync(ct);
                await ExecuteAsync(idle, "SELECT pg_current_xact_id()");
                await using var busy = await run.Db.OpenConnectionAsync(ct);
                await using var change = await busy.BeginTransactionAsync(ct);
                await ExecuteAsync(busy, $"DELETE FROM user_roles WHERE user_id = {right.Holders[0]} AND role_id = {right.Path.Split('/')[^1]}");
                await run.ForAsync(seconds, ct);
                await change.CommitAsync(ct);
            }
            catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
            {
                // Another fault came in between; the call below does it then.
            }

            await run.FinishAsync(right, chance);
            foreach (var member in run.Fleet.Members) await AskForAWhileAsync(member, right);
        });
    }

    /// <summary>A process is killed at any moment of a revoke, which is then repeated elsewhere.</summary>
    public async Task KillDuringRevokeAsync()
    {
        using var spell = run.Weather.Begin(Killed);
        var chance = run.NewChance();
        var killed = run.Fleet.Pick(chance);
        await WithReservedAsync(chance, async right =>
        {
            right.Begin(on: false, Stopwatch.GetTimestamp());
            var call = run.AdministerAsync(killed, HttpMethod.Delete, right.Path);
            await Task.Delay(TimeSpan.FromMilliseconds(chance.Next(12)), TimeProvider.System, ct);
            await run.Fleet.KillAsync(killed);
            await FinishElsewhereAsync(right, chance, await call);
            await AskEverywhereAsync(right);
        });
        await run.Fleet.AddAsync(killed.Place, ct);
    }

    /// <summary>
    /// Of three processes one stands still, so that the call at the second is held up between its commit and its answer; there the second is killed, and
    /// the third is asked for the same.
    /// </summary>
    public async Task KillBeforeBarrierAsync()
    {
        using var spell = run.Weather.Begin(KilledBeforeBarrier);
        var chance = run.NewChance();
        var stopped = run.Fleet.Pick(chance);
        var killed = run.Fleet.Pick(chance, stopped);
        await WithReservedAsync(chance, async right =>
        {
            Task late;
            await run.Fleet.PauseAsync(stopped);
            try
            {
                right.Begin(on: false, Stopwatch.GetTimestamp());
                var call = run.AdministerAsync(killed, HttpMethod.Delete, right.Path);
                await Eventually.TrueAsync(async () => call.IsCompleted || await IsGoneAsync(right), Patience);
                await run.Fleet.KillAsync(killed);
                await FinishElsewhereAsync(right, chance, await call);
                await CutAsync($"application_name = '{ServiceFleet.NameOf(stopped.Place)}'");
                late = AskOftenAsync(stopped, right, LateQuestions);
                await run.ForAsync(0.03, ct);
            }
            finally
            {
                await run.Fleet.GoOnAsync(stopped);
            }

            await late;
            await AskForAWhileAsync(stopped, right);
        });
        await run.Fleet.AddAsync(killed.Place, ct);
    }

    public async Task RestartAsync()
    {
        using var spell = run.Weather.Begin(Restarted);
        await run.Fleet.RestartAsync(run.Fleet.Pick(run.NewChance()), ct);
    }

    /// <summary>Gives a fault a right that has just been granted and that every process has been asked for.</summary>
    private async Task WithReservedAsync(Chance chance, Func<RightSwitch, Task> fault)
    {
        if (!_reserved.TryDequeue(out var right)) throw new InvalidOperationException("More faults at once than there are rights for.");
        if (!await run.FlipAsync(right, on: true, chance)) return;
        await AskEverywhereAsync(right);
        await fault(right);
        _reserved.Enqueue(right);
    }

    private async Task FinishElsewhereAsync(RightSwitch right, Chance chance, Reply reply)
    {
        if (reply.Status == 204) run.Answered([right]);
        else await run.FinishAsync(right, chance);
    }

    private Task AskEverywhereAsync(RightSwitch right) =>
        Task.WhenAll(run.Fleet.Members.Where(m => !m.IsAway).Select(m => AskOftenAsync(m, right, 3)));

    /// <summary>Beside each other.</summary>
    private Task AskOftenAsync(Member member, RightSwitch right, int times) =>
        Task.WhenAll(Enumerable.Range(0, times).Select(_ => Questions.AskAsync(run, member, right, right.Holders[0])));

    /// <summary>One after another.</summary>
    private async Task AskForAWhileAsync(Member member, RightSwitch right)
    {
        for (var i = 0; i < 30 && !member.IsAway; i++)
        {
            await Questions.AskAsync(run, member, right, right.Holders[0]);
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, ct);
        }
    }

    private async Task<bool> IsGoneAsync(RightSwitch right)
    {
        try
        {
            await using var find = run.Db.CreateCommand($"SELECT NOT EXISTS (SELECT FROM user_roles WHERE user_id = {right.Holders[0]} AND role_id = {right.Path.Split('/')[^1]})");
            return (bool)(await find.ExecuteScalarAsync(ct))!;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task CutAsync(string which)
    {
        try
        {
            await using var cut = run.Db.CreateCommand($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which}");
            await cut.ExecuteNonQueryAsync(ct);
        }
        catch (NpgsqlException)
        {
            // The server is down: nothing to cut.
        }
    }

    private async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
