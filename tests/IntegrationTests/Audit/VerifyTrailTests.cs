using AuthService.Audit;
using Npgsql;

namespace IntegrationTests.Audit;

/// <summary>T79: whatever is done to a sealed event, or to the seals, is found, and named.</summary>
public class VerifyTrailTests(Servers servers) : IClassFixture<Servers>
{
    private const int Events = 41;

    /// <summary>How each column of an event is made another.</summary>
    private static readonly (string Column, string Value)[] Alterations =
    [
        ("id", "gen_random_uuid()"), ("ts", "ts + interval '1 microsecond'"), ("type", "'authz_fail'"), ("actor_type", "'cli'"), ("actor_id", "coalesce(actor_id, 0) + 1"),
        ("session_id", "gen_random_uuid()"), ("target_type", "'role'"), ("target_id", "target_id || '0'"), ("outcome", "'failure'"), ("reason", "coalesce(reason, '') || 'x'"),
        ("diff", "'{}'"), ("ip", "'192.0.2.8'"), ("user_agent", "coalesce(user_agent, '') || ' '"), ("request_id", "coalesce(request_id, '') || 'a'"),
        ("trace_id", "coalesce(trace_id, '') || 'a'"), ("xid", "(xid::text::bigint + 1)::text::xid8"),
        // To nothing, and from nothing to an empty text: the same bytes, were lengths not written.
        ("actor_id", "CASE WHEN actor_id IS NULL THEN 0 END"), ("reason", "CASE WHEN reason IS NULL THEN '' END"), ("target_type", "NULL"),
    ];

    private CancellationToken Ct => servers.TestTimeout;

    // Leave any one column out of AuditSeals.DigestOf or read it from the wrong ordinal, and this names it.
    [Fact]
    public async Task Every_column_of_an_event_at_any_place_counts()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = await FilledAsync(database);
        Assert.Equal(16, await database.ReadSqlAsync<long>("SELECT count(*) FROM information_schema.columns WHERE table_name = 'audit_events'", Ct));
        await database.ExecuteSqlAsync("CREATE TABLE kept AS SELECT * FROM audit_events", Ct);
        foreach (var number in new[] { 1L, 11, Events })
        {
            var id = await database.ReadSqlAsync<Guid>("SELECT event_id FROM audit_seals WHERE number = $1", Ct, number);
            foreach (var (column, value) in Alterations)
            {
                await trail.TamperAsync($"UPDATE audit_events SET {column} = {value} WHERE id = $1", Ct, id);
                var (findings, _) = await trail.VerifyAsync(Ct);
                var expected = column is "id" or "ts" ? $"missing {number}" : $"altered {number}";
                Assert.True(findings.Count > 0 && findings[0] == expected && findings.Skip(1).All(f => f.StartsWith("inserted", StringComparison.Ordinal)), $"{column} of {number}: {string.Join(", ", findings)}");
                // Also under a name of its own; at the very end it stands behind what was looked at.
                if (column is "id" or "ts" && number < Events) Assert.True(findings.Count == 2, $"{column} of {number}: {string.Join(", ", findings)}");
                await trail.TamperAsync("DELETE FROM audit_events WHERE id NOT IN (SELECT id FROM kept) OR id = $1", Ct, id);
                await trail.TamperAsync("INSERT INTO audit_events SELECT * FROM kept WHERE id = $1", Ct, id);
            }
        }

        Assert.Empty((await trail.VerifyAsync(Ct)).Findings);
    }

    // Leave CheckPlacesAsync out of VerifyTrail and what was slipped in is not found.
    [Fact]
    public async Task Events_that_are_deleted_slipped_in_doubled_or_exchanged_are_named()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = await FilledAsync(database);
        await database.ExecuteSqlAsync("CREATE TABLE kept AS SELECT * FROM audit_events", Ct);
        foreach (var number in new[] { 1, 2, 20, Events })
        {
            await trail.TamperAsync("DELETE FROM audit_events e USING audit_seals s WHERE s.event_id = e.id AND s.number = $1", Ct, (long)number);
            Assert.Equal([$"missing {number}"], (await trail.VerifyAsync(Ct)).Findings);
            await trail.TamperAsync("INSERT INTO audit_events SELECT k.* FROM kept k JOIN audit_seals s ON s.event_id = k.id WHERE s.number = $1", Ct, (long)number);
        }

        var slipped = Guid.NewGuid();
        await trail.TamperAsync("INSERT INTO audit_events (id, ts, type, actor_type, outcome, xid) SELECT $1, ts, type, actor_type, outcome, xid FROM audit_events ORDER BY xid, id LIMIT 1", Ct, slipped);
        Assert.Equal([$"inserted {slipped}"], (await trail.VerifyAsync(Ct)).Findings);
        await trail.TamperAsync("DELETE FROM audit_events WHERE id = $1", Ct, slipped);

        var doubled = await database.ReadSqlAsync<Guid>("SELECT event_id FROM audit_seals WHERE number = 5", Ct);
        await trail.TamperAsync("INSERT INTO audit_events SELECT id, ts - interval '1 hour', type, actor_type, actor_id, session_id, target_type, target_id, outcome, reason, diff, ip, user_agent, request_id, trace_id, xid FROM audit_events WHERE id = $1", Ct, doubled);
        Assert.Equal([$"inserted {doubled}"], (await trail.VerifyAsync(Ct)).Findings);
        await trail.TamperAsync("DELETE FROM audit_events e WHERE e.id = $1 AND e.ts < (SELECT s.event_ts FROM audit_seals s WHERE s.event_id = e.id)", Ct, doubled);

        // What two events say, the one for the other.
        await trail.TamperAsync(
            """
            UPDATE audit_events e SET (type, target_id, reason) = (SELECT o.type, o.target_id, o.reason FROM audit_events o JOIN audit_seals s ON s.event_id = o.id WHERE s.number = 7 - (SELECT n.number FROM audit_seals n WHERE n.event_id = e.id))
            WHERE  e.id IN (SELECT s.event_id FROM audit_seals s WHERE s.number IN (3, 4))
            """, Ct);
        Assert.Equal(["altered 3", "altered 4"], (await trail.VerifyAsync(Ct)).Findings);
    }

    // Each is what somebody would do who can write the database and has no key.
    [Fact]
    public async Task Seals_that_are_altered_removed_exchanged_or_made_anew_without_the_key_are_found()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = await FilledAsync(database);
        var (_, whole) = await trail.VerifyAsync(Ct);
        Assert.Equal(Events, whole.Sealed);
        await database.ExecuteSqlAsync("CREATE TABLE kept AS SELECT * FROM audit_seals", Ct);
        await database.ExecuteSqlAsync("CREATE TABLE kept_chain AS SELECT * FROM audit_chain", Ct);

        await FindsAsync("UPDATE audit_seals SET hash = sha256('x') WHERE number = 9", "broken 9");
        await FindsAsync("UPDATE audit_seals SET digest = sha256('x') WHERE number = 9", "broken 9", "altered 9");
        await FindsAsync("UPDATE audit_seals SET sealed_at = sealed_at + interval '1 microsecond' WHERE number = 9", "broken 9");
        await FindsAsync("UPDATE audit_seals SET event_ts = '-infinity' WHERE number = 9", "broken 9", "missing 9", "inserted ");
        await FindsAsync("UPDATE audit_seals SET event_id = gen_random_uuid() WHERE number = 9", "broken 9", "missing 9", "inserted ");
        await FindsAsync("DELETE FROM audit_seals WHERE number = 9", "cut 9", "inserted ");
        await FindsAsync("DELETE FROM audit_seals WHERE number = 1", "cut 1", "inserted ");
        await FindsAsync($"DELETE FROM audit_seals WHERE number = {Events}", $"cut {Events}", $"cut {Events}", "inserted ");
        await FindsAsync($"DELETE FROM audit_seals WHERE number >= {Events - 2}; UPDATE audit_chain SET number = {Events - 3}, hash = (SELECT hash FROM audit_seals WHERE number = {Events - 3})",
            $"cut {Events - 3}", "inserted ", "inserted ", "inserted ");
        await FindsAsync("UPDATE audit_chain SET number = 0, hash = '', mac = ''", "cut 0");
        await FindsAsync("UPDATE audit_chain SET mac = sha256('x')", $"cut {Events}");
        await FindsAsync("UPDATE audit_chain SET first_number = 9, first_hash = (SELECT hash FROM audit_seals WHERE number = 9)", "cut 9");
        await FindsAsync("UPDATE audit_chain SET kept_since = now()", "cut ");

        // What was kept elsewhere tells what the database can't: an old state of it, put back whole.
        Assert.Empty((await trail.VerifyAsync(Ct, (whole.Number, whole.Hash))).Findings);
        Assert.Equal([$"broken {whole.Number}"], (await trail.VerifyAsync(Ct, (whole.Number, new byte[32]))).Findings);
        Assert.Equal([$"cut {whole.Number + 1}"], (await trail.VerifyAsync(Ct, (whole.Number + 1, whole.Hash))).Findings);

        // The whole chain made again under another key, events and all: nothing fits.
        var forger = new SealedTrail(database);
        await trail.TamperAsync("TRUNCATE audit_seals", Ct);
        await trail.TamperAsync("UPDATE audit_chain SET number = 0, hash = '', mac = '', xid = '0', event_id = '00000000-0000-0000-0000-000000000000', sealer = NULL", Ct);
        using (var sealer = forger.NewSealer()) await forger.SealAsync(sealer, Ct);
        Assert.Empty((await forger.VerifyAsync(Ct)).Findings);
        Assert.Equal(Events + 1, (await trail.VerifyAsync(Ct)).Report.Findings);

        async Task FindsAsync(string sql, params string[] expected)
        {
            await trail.TamperAsync(sql, Ct);
            var (findings, _) = await trail.VerifyAsync(Ct);
            Assert.True(findings.Count == expected.Length && findings.Zip(expected).All(f => f.First.StartsWith(f.Second, StringComparison.Ordinal)), $"{sql}: {string.Join(", ", findings)}");
            await trail.TamperAsync("TRUNCATE audit_seals; INSERT INTO audit_seals SELECT * FROM kept; DELETE FROM audit_chain; INSERT INTO audit_chain SELECT * FROM kept_chain", Ct);
        }
    }

    // Drop a trigger of 0014_audit_chain.sql and this fails.
    [Fact]
    public async Task The_database_refuses_to_change_or_delete_events_and_seals()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await FilledAsync(database);
        foreach (var sql in new[]
        {
            "UPDATE audit_events SET reason = 'x'", "DELETE FROM audit_events", "UPDATE audit_seals SET hash = ''", "DELETE FROM audit_seals", "TRUNCATE audit_seals",
            $"DELETE FROM {await database.ReadSqlAsync<string>("SELECT tableoid::regclass::text FROM audit_events LIMIT 1", Ct)}",
        })
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteSqlAsync(sql, Ct));
            Assert.Equal((sql, PostgresErrorCodes.InsufficientPrivilege), (sql, refused.SqlState));
        }
    }

    // Months that are let go by the command leave a trail that holds; dropped by hand they are missing, and nobody without the key can say they were let go.
    [Fact]
    public async Task Months_are_let_go_by_whoever_has_the_key()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var trail = new SealedTrail(database);
        foreach (var month in new[] { "2020_01", "2020_02", "2020_03" })
        {
            await database.ExecuteSqlAsync(
                $"CREATE TABLE audit_events_{month} PARTITION OF audit_events FOR VALUES FROM ('{month.Replace('_', '-')}-01 00:00+00') TO ('{month[..^1].Replace('_', '-')}{(char)(month[^1] + 1)}-01 00:00+00')", Ct);
        }

        using var sealer = trail.NewSealer();
        // Sealed nearly in the order of time: the last of January after the first of February.
        foreach (var day in new[] { "2020-01-03", "2020-01-20", "2020-02-01", "2020-01-31", "2020-02-15", "2020-03-01", "2020-03-20" })
        {
            await database.ExecuteSqlAsync($"INSERT INTO audit_events (id, ts, type, actor_type, outcome) VALUES (gen_random_uuid(), '{day} 12:00+00', 'authz_change', 'user', 'success')", Ct);
            await trail.SealAsync(sealer, Ct);
        }

        var forget = new ForgetEvents(database.DataSource, trail.Seals);
        Assert.Equal((1, 2L), await forget.ExecuteAsync(new DateTimeOffset(2020, 2, 1, 0, 0, 0, TimeSpan.Zero), Ct));
        await trail.SealAsync(sealer, Ct);
        var (findings, report) = await trail.VerifyAsync(Ct);
        Assert.Empty(findings);
        Assert.Equal((3L, 5L, 1L), (report.First, report.Sealed, report.LetGo));   // of the five one says that something was let go
        Assert.Equal((0, 0L), await forget.ExecuteAsync(new DateTimeOffset(2020, 2, 1, 0, 0, 0, TimeSpan.Zero), Ct));

        await database.ExecuteSqlAsync("DROP TABLE audit_events_2020_02", Ct);
        Assert.Equal(["missing 3", "missing 5"], (await trail.VerifyAsync(Ct)).Findings);
        await trail.TamperAsync("UPDATE audit_chain SET kept_since = '2020-03-01 00:00+00'", Ct);
        Assert.Equal(["cut 2"], (await trail.VerifyAsync(Ct)).Findings);
        await trail.TamperAsync("UPDATE audit_chain SET kept_since = '2020-02-01 00:00+00'", Ct);
        Assert.Equal((0, 3L), await forget.ExecuteAsync(new DateTimeOffset(2020, 3, 1, 0, 0, 0, TimeSpan.Zero), Ct));
        await trail.SealAsync(sealer, Ct);
        Assert.Empty((await trail.VerifyAsync(Ct)).Findings);
    }

    private async Task<SealedTrail> FilledAsync(TestDatabase database)
    {
        var trail = new SealedTrail(database);
        for (var added = 0; added < Events; added += 10) await trail.AddAsync(Math.Min(10, Events - added), Ct);
        using var sealer = trail.NewSealer();
        await trail.SealAsync(sealer, Ct);
        return trail;
    }
}
