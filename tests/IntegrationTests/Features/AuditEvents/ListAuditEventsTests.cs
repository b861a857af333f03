using System.Net;
using AuthService.Cli;
using AuthService.Client;
using AuthService.Explaining;

namespace IntegrationTests.Features.AuditEvents;

public class ListAuditEventsTests(Servers servers) : IClassFixture<Servers>
{
    private const string Path = "/api/v1/audit-events";

    private CancellationToken Ct => servers.TestTimeout;

    // Three events of each instant, so the tie counts: leave the id out of the order in list_events and pages overlap.
    [Fact]
    public async Task Pages_lead_through_the_trail_forth_and_back_and_nothing_is_met_twice()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "audit:read");
        await FillAsync(database, 30);
        var expected = await database.ReadSqlAsync<Guid[]>("SELECT array_agg(id ORDER BY ts DESC, id DESC) FROM audit_events WHERE type = 'authz_change'", Ct);

        var pages = new List<Page<AuditEventInfo>> { await PageAsync(reader, "type=authz_change&limit=4") };
        while (pages[^1].NextCursor is { } next) pages.Add(await PageAsync(reader, $"type=authz_change&limit=4&cursor={next}"));
        Assert.Equal(expected, pages.SelectMany(p => p.Items).Select(e => e.Id));
        Assert.All(pages, p => Assert.Equal((expected.Length, false), ((int)p.Total!, p.TotalIsEstimate)));
        for (var i = pages.Count - 1; i > 0; i--)
            Assert.Equal(pages[i - 1].Items.Select(e => e.Id), (await PageAsync(reader, $"type=authz_change&limit=4&cursor={pages[i].PrevCursor}")).Items.Select(e => e.Id));
        Assert.Equal(expected.Reverse(), (await PageAsync(reader, "type=authz_change&limit=200&sort=ts")).Items.Select(e => e.Id));

        // A cursor belongs to its filters.
        foreach (var other in new[] { "type=user_updated", "", "type=authz_change&outcome=success", "type=authz_change&actor_id=1", "type=authz_change&from=2020-01-01T00:00:00Z", "type=authz_change&request_id=a" })
        {
            using var refused = await reader.SendAsync(HttpMethod.Get, $"{Path}?{other}&cursor={pages[0].NextCursor}", body: null, Ct);
            Assert.Equal((other, "http.cursor_not_valid"), (other, (await refused.ProblemAsync(Ct)).Code));
        }
    }

    // Drop one of the conditions of list_events, or fill it with the wrong parameter, and this names the filter.
    [Fact]
    public async Task Each_filter_finds_what_fits_it_and_all_together_what_fits_all()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "audit:read");
        await FillAsync(database, 60);
        foreach (var (query, condition) in new[]
        {
            ("type=authz_change", "type = 'authz_change'"), ("actor_id=7", "actor_id = 7"), ("target_type=user", "target_type = 'user'"), ("target_type=user&target_id=3", "target_type = 'user' AND target_id = '3'"),
            ("outcome=failure", "outcome = 'failure'"), ("request_id=request-5", "request_id = 'request-5'"),
            ("from=2026-01-01T05:00:00Z&to=2026-01-01T08:00:00%2B01:00", "ts >= '2026-01-01 05:00+00' AND ts < '2026-01-01 07:00+00'"),
            ("type=user_updated&actor_id=7&target_type=user&target_id=9&outcome=success&request_id=request-9&from=2026-01-01T00:00:00Z", "type = 'user_updated' AND actor_id = 7 AND target_id = '9' AND outcome = 'success'"),
            ("type=no_such_type", "false"),
        })
        {
            var expected = await database.ReadSqlAsync<Guid[]>($"SELECT coalesce(array_agg(id ORDER BY ts DESC, id DESC), '{{}}') FROM audit_events WHERE actor_type = 'filled' AND {condition}", Ct);
            var page = await PageAsync(reader, query + "&limit=200");
            var found = page.Items.Where(e => e.ActorType == "filled").Select(e => e.Id);
            Assert.Equal($"{query}: {string.Join(' ', expected)}", $"{query}: {string.Join(' ', found)}");
            Assert.True(page.Total == page.Items.Count, $"{query}: {page.Total} of {page.Items.Count}");
        }

        using (var alone = await reader.SendAsync(HttpMethod.Get, Path + "?target_id=3", body: null, Ct)) Assert.Equal("audit_events.target_type_missing", (await alone.ProblemAsync(Ct)).Code);
        var one = Assert.Single((await PageAsync(reader, "request_id=request-5")).Items);
        Assert.Equal(("user_updated", "filled", "5", "failure", "because", "192.0.2.1", "browser"), (one.Type, one.ActorType, one.TargetId, one.Outcome, one.Reason, one.Ip, one.UserAgent));
        Assert.Equal(["phone"], one.Changed);
        await Eventually.TrueAsync(async () => (await PageAsync(reader, "request_id=request-5")).Items[0].Seal > 0, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task Only_who_may_read_the_trail_does()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var other = await node.AddAccountAsync("other", Ct, "users:read", "system:admin");
        using var refused = await other.SendAsync(HttpMethod.Get, Path, body: null, Ct);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    // Order by coalesce(ts, ts) in list_events, or drop an index of 0005 or 0014, and this names the shape. Twelve thousand events in several partitions: more than
    // Plan.LargeTableRows.
    [Fact]
    public async Task No_page_reads_the_trail_from_end_to_end()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await database.ExecuteSqlAsync("CREATE TABLE audit_events_2020_01 PARTITION OF audit_events FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-02-01 00:00+00')", Ct);
        await database.ExecuteSqlAsync(
            """
            INSERT INTO audit_events (id, ts, type, actor_type, actor_id, target_type, target_id, outcome, request_id)
            SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN '2020-01-02 00:00+00'::timestamptz ELSE date_trunc('day', now()) END + interval '1 second' * n, 't' || n % 20, 'user', n % 400, 'user', n % 400, 'success', 'r' || n
            FROM   generate_series(1, 24000) n
            """, Ct);
        await database.ExecuteSqlAsync("ANALYZE", Ct);
        var explanation = await new ExplainStatements(database.DataSource, ExplainCommand.Shapes).ExecuteAsync(static (_, _) => { }, Ct);
        var pages = explanation.Statements.Where(s => s.Name is "AuditEvents/ListAuditEvents.list_events" or "Audit/SealEvents.find_unsealed").ToList();
        Assert.Equal(9, pages.Count);
        // The count looks at 10,001 events at most, by an index.
        var scans = pages.SelectMany(s => s.Plans.Where(p => p.IsTaken).SelectMany(p => p.Flags.Where(f => f.Code is "seq_scan" or "missing_index").Select(f => $"{s.Name} {s.Shape} {p.Kind}: {f.Code} {f.Where} {f.Detail}")));
        Assert.Empty(scans);
    }

    private async Task<Page<AuditEventInfo>> PageAsync(Account reader, string query) => await reader.GetAsync($"{Path}?{query}", WireJson.Default.PageAuditEventInfo, Ct);

    private Task<int> FillAsync(TestDatabase database, int count) => database.ExecuteSqlAsync(
        """
        INSERT INTO audit_events (id, ts, type, actor_type, actor_id, target_type, target_id, outcome, reason, diff, ip, user_agent, request_id)
        SELECT gen_random_uuid(), '2026-01-01 00:00+00'::timestamptz + interval '1 hour' * (n / 3), CASE WHEN n % 2 = 0 THEN 'authz_change' ELSE 'user_updated' END, 'filled',
               CASE WHEN n % 3 = 0 THEN 7 END, CASE WHEN n % 4 = 0 THEN 'role' ELSE 'user' END, n % 20, CASE WHEN n % 5 = 0 THEN 'failure' ELSE 'success' END, 'because',
               '{"changed":["phone"]}', '192.0.2.1', 'browser', 'request-' || n
        FROM   generate_series(1, $1) n
        """, Ct, count);
}
