using System.Net;
using AuthService.Client;
using Npgsql;

namespace IntegrationTests.Audit;

/// <summary>One chain, whatever becomes of those who make it.</summary>
public class SealEventsTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    private CancellationToken Ct => servers.TestTimeout;

    // Statistics are behind the newest xids at any time. Write the limits of find_unsealed as parameters instead of subqueries, and each batch reads and sorts all that waits.
    [Fact]
    public async Task A_batch_of_many_that_wait_costs_a_batch_also_where_statistics_know_nothing_of_them()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        using var sealer = trail.NewSealer();
        await trail.AddAsync(100, Ct);
        await trail.SealAsync(sealer, Ct);
        await database.ExecuteSqlAsync("ANALYZE", Ct);
        await database.ExecuteSqlAsync(
            "INSERT INTO audit_events (id, type, actor_type, outcome) SELECT gen_random_uuid(), 'authz_change', 'user', 'success' FROM generate_series(1, 40000)", Ct);
        await SealableAsync(database);
        var before = await PagesAsync(database);
        Assert.Equal(AuthService.Audit.SealEvents.BatchSize, await sealer.ExecuteOnceAsync(Ct));
        // One for the event and three for the look at the index of seals; 40,000 and more with a sort.
        Assert.InRange(await PagesAsync(database) - before, 2_000, 20_000);
    }

    // Ask for the seal with EXISTS in the select list, and from some thousand events on the planner reads all seals there are into a table for each batch: pages then grow with the trail.
    [Fact]
    public async Task A_few_events_cost_the_same_however_long_the_trail_is()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        using var sealer = trail.NewSealer();
        var pages = new List<long>();
        foreach (var more in (int[])[2_000, 18_000, 60_000])
        {
            await trail.AddAsync(more, Ct);
            await trail.SealAsync(sealer, Ct);
            await database.ExecuteSqlAsync("ANALYZE", Ct);
            await trail.AddAsync(10, Ct);
            await SealableAsync(database);
            var before = await PagesAsync(database);
            Assert.Equal(10, await sealer.ExecuteOnceAsync(Ct));
            pages.Add(await PagesAsync(database) - before);
        }

        Assert.All(pages, p => Assert.InRange(p, 10, 120));   // four for each event, and the ways down
    }

    // Nobody asks for it: leave AddHostedService<SealEvents>() out of AuthServer and this fails. The grant's statements are counted in StatementCountsTests: none for the seal.
    [Fact]
    public async Task What_a_node_writes_is_sealed_by_one_node_and_the_trail_holds()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await using var other = await Node.StartAsync(database, Ct, node.MasterKey);
        var administrator = await node.CreateAdministratorAsync(Ct);
        for (var i = 0; i < 10; i++)
        {
            using var made = await administrator.SendAsync(HttpMethod.Post, "/api/v1/roles", new CreateRoleRequest { Name = $"clerk{i}" }, Ct, i % 2 == 0 ? node : other);
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        }

        await Eventually.TrueAsync(async () => await database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events e JOIN audit_seals s ON s.event_id = e.id WHERE e.type = 'authz_admin'", Ct) == 10, Limit);
        var found = new List<AuthService.Audit.TrailFinding>();
        await new AuthService.Audit.VerifyTrail(database.DataSource, new AuthService.Audit.AuditSeals(node.MasterKey)).ExecuteAsync(null, found.Add, static _ => { }, Ct);
        Assert.Empty(found);
    }

    // Take "WHERE c.number = $1 AND c.hash = $2" out of append_seals and the second fails on the seals' primary key; take the key off as well, and the chain forks.
    [Fact]
    public async Task Two_that_both_believe_they_are_the_sealer_do_not_fork_the_chain()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        await trail.AddAsync(5, Ct);
        using var first = trail.NewSealer();
        await trail.SealAsync(first, Ct);
        await database.ExecuteSqlAsync("UPDATE audit_chain SET sealer_until = '-infinity'", Ct);
        using var second = trail.NewSealer();
        await second.ExecuteOnceAsync(Ct);   // has the lease now, and the first one doesn't know

        for (var round = 0; round < 10; round++)
        {
            await trail.AddAsync(20, Ct);
            await SealableAsync(database);
            var held = await HeldLock.TakeAsync(database, "SELECT FROM audit_chain FOR UPDATE", Ct);
            var sealing = Race.RunAsync(2, i => (i == 0 ? first : second).ExecuteOnceAsync(Ct));
            await held.UntilWaitingAsync(2, Ct);
            await held.DisposeAsync();
            await sealing;
            Assert.Equal(0, await trail.UnsealedAsync(Ct));
            await database.ExecuteSqlAsync("UPDATE audit_chain SET sealer_until = '-infinity'", Ct);
            await first.ExecuteOnceAsync(Ct);
            await database.ExecuteSqlAsync("UPDATE audit_chain SET sealer_until = '-infinity'", Ct);
            await second.ExecuteOnceAsync(Ct);
        }

        var (findings, report) = await trail.VerifyAsync(Ct);
        Assert.Empty(findings);
        Assert.Equal((205, 205L), ((int)report.Number, report.Sealed));
    }

    // With pg_snapshot_xmax for pg_snapshot_xmin in find_unsealed the later event is sealed first, and what the other transaction brings then comes in before it: found as inserted.
    [Fact]
    public async Task Nothing_is_sealed_before_what_a_transaction_that_is_under_way_may_still_bring()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        using var sealer = trail.NewSealer();
        await trail.AddAsync(1, Ct);
        await trail.SealAsync(sealer, Ct);

        await using var slow = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await slow.BeginTransactionAsync(Ct);
        await AuthService.Audit.AuditTrail.AppendAsync(transaction, AuthService.Audit.AuditEvent.Of("authz_admin", AuthService.Http.Caller.CommandLine), Ct);
        await trail.AddAsync(3, Ct);
        for (var i = 0; i < 3; i++) await sealer.ExecuteOnceAsync(Ct);
        Assert.Equal(3, await trail.UnsealedAsync(Ct));
        Assert.Equal((0L, 3L), ((await trail.VerifyAsync(Ct)).Report.Findings, (await trail.VerifyAsync(Ct)).Report.Unsealed));

        await transaction.CommitAsync(Ct);
        await trail.SealAsync(sealer, Ct);
        Assert.Equal("authz_admin", await database.ReadSqlAsync<string>("SELECT e.type FROM audit_seals s JOIN audit_events e ON e.id = s.event_id WHERE s.number = 2", Ct));
        Assert.Empty((await trail.VerifyAsync(Ct)).Findings);
    }

    // The seals and the chain's end are one statement: put the UPDATE into one of its own, before or after, and a sealer that dies between them leaves a trail that is found cut.
    [Fact]
    public async Task A_sealer_that_dies_half_way_leaves_all_or_nothing_and_the_next_one_goes_on()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        using var first = trail.NewSealer();
        await trail.AddAsync(5, Ct);
        await trail.SealAsync(first, Ct);
        await trail.AddAsync(50, Ct);
        await SealableAsync(database);
        var held = await HeldLock.TakeAsync(database, "SELECT FROM audit_chain FOR UPDATE", Ct);
        var dying = first.ExecuteOnceAsync(Ct);
        await held.UntilWaitingAsync(1, Ct);
        await database.ExecuteSqlAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'", Ct);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => dying);
        await held.DisposeAsync();
        Assert.Equal(50, await trail.UnsealedAsync(Ct));

        using var second = trail.NewSealer();
        Assert.Equal(0, await second.ExecuteOnceAsync(Ct));   // the other's lease has not run out
        await database.ExecuteSqlAsync("UPDATE audit_chain SET sealer_until = now() - interval '1 second'", Ct);
        await trail.SealAsync(second, Ct);
        var (findings, report) = await trail.VerifyAsync(Ct);
        Assert.Empty(findings);
        Assert.Equal(55, report.Sealed);
    }

    // Let the loop of SealEvents.ExecuteAsync end at the first NpgsqlException, and this fails.
    [Fact]
    public async Task A_node_goes_on_sealing_when_the_database_is_back()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await Eventually.TrueAsync(async () => await database.ReadSqlAsync<long>("SELECT number FROM audit_chain", Ct) > 0, Limit);
        await database.SetReachableAsync(false, Ct);
        await database.SetReachableAsync(true, Ct);
        NpgsqlConnection.ClearPool(new NpgsqlConnection(database.ConnectionString));
        var trail = new SealedTrail(database);
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await trail.AddAsync(3, Ct);
                return true;
            }
            catch (NpgsqlException)
            {
                return false;   // a connection of before
            }
        }, Limit);
        await Eventually.TrueAsync(async () => await trail.UnsealedAsync(Ct) == 0, Limit);
    }

    // A dump restored into another cluster has xids of the old one, below and above those that come. Leave is_elsewhere out of take_lease, and the events that come are
    // never sealed: their xids are smaller than the place's.
    [Fact]
    public async Task A_restored_dump_goes_on_from_where_its_chain_ended()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        using (var before = trail.NewSealer())
        {
            await trail.AddAsync(7, Ct);
            await trail.SealAsync(before, Ct);
        }

        // As if all of it had happened elsewhere, later in that cluster's life; three events were not sealed yet.
        await trail.TamperAsync("UPDATE audit_chain SET system_identifier = 1, xid = '90000000000', event_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff', sealer = NULL", Ct);
        await database.ExecuteSqlAsync(
            "INSERT INTO audit_events (id, type, actor_type, outcome, xid) SELECT gen_random_uuid(), 'authz_change', 'user', 'success', '90000000001' FROM generate_series(1, 3)", Ct);
        await trail.AddAsync(4, Ct);
        Assert.Equal((0L, 7L), ((await trail.VerifyAsync(Ct)).Report.Findings, (await trail.VerifyAsync(Ct)).Report.Unsealed));

        using var sealer = trail.NewSealer();
        await trail.SealAsync(sealer, Ct);
        var (findings, report) = await trail.VerifyAsync(Ct);
        Assert.Empty(findings);
        Assert.Equal((14, 0L), ((int)report.Sealed, report.Unsealed));
        await trail.AddAsync(2, Ct);
        await trail.SealAsync(sealer, Ct);
        Assert.Empty((await trail.VerifyAsync(Ct)).Findings);
    }

    // Leave MayGoOn out, and the sealer itself makes a cut end good: the seals that come have a MAC.
    [Fact]
    public async Task An_end_that_was_set_back_is_not_gone_on_from()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        using (var before = trail.NewSealer())
        {
            await trail.AddAsync(9, Ct);
            await trail.SealAsync(before, Ct);
        }

        await trail.TamperAsync("DELETE FROM audit_events e USING audit_seals s WHERE s.event_id = e.id AND s.number > 6", Ct);
        await trail.TamperAsync("DELETE FROM audit_seals WHERE number > 6", Ct);
        await trail.TamperAsync("UPDATE audit_chain SET number = 6, hash = (SELECT hash FROM audit_seals WHERE number = 6), sealer = NULL", Ct);
        await trail.AddAsync(2, Ct);
        using var sealer = trail.NewSealer();
        for (var i = 0; i < 3; i++) Assert.Equal(0, await sealer.ExecuteOnceAsync(Ct));
        Assert.Equal(2, await trail.UnsealedAsync(Ct));
        Assert.Equal(["cut 6"], (await trail.VerifyAsync(Ct)).Findings);
    }

    private Task<long> PagesAsync(TestDatabase database) => database.ReadSqlAsync<long>(
        """
        SELECT coalesce(sum(s.shared_blks_hit + s.shared_blks_read), 0)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE  d.datname = current_database() AND s.query LIKE '%SealEvents.find_unsealed%' AND s.query NOT LIKE '%pg_stat_statements%'
        """, Ct);

    /// <summary>What was committed before is below every transaction that is under way on this server.</summary>
    private async Task SealableAsync(TestDatabase database) => await Eventually.TrueAsync(
        () => database.ReadSqlAsync<bool>("SELECT max(e.xid::text::bigint) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM audit_events e", Ct), Limit);
}
