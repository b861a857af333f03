using AuthService.Client;

namespace IntegrationTests.Features.DatabaseAdministration;

public class CheckIndexesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Give a table of ours a foreign key without an index, or the same index twice, in a migration, and this fails.
    [Fact]
    public async Task Our_own_schema_has_no_fault()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var report = await ReportAsync(await node.AddAdministratorAsync("root", Ct));
        Assert.Empty(report.UncoveredForeignKeys);
        Assert.Empty(report.Duplicates);
        Assert.Empty(report.Invalid);
        Assert.Empty(report.Bloated);
    }

    // Each fault planted is found, and what only looks like one is not: leave a condition out of one of the statements, and one of the two lists is wrong.
    [Fact]
    public async Task What_was_planted_is_found_and_nothing_else()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await database.ExecuteAsync(
            """
            CREATE TABLE pairs (a bigint, b bigint, PRIMARY KEY (a, b));
            CREATE TABLE plain (user_id bigint REFERENCES users, a bigint, b bigint, CONSTRAINT plain_pair FOREIGN KEY (a, b) REFERENCES pairs);
            CREATE INDEX plain_other_order ON plain (b, a, user_id);              -- covers the pair, in whatever order, and not user_id
            CREATE INDEX plain_partial ON plain (user_id) WHERE user_id > 5;      -- of no use to the key
            CREATE INDEX sessions_user_id_again ON sessions (user_id);
            CREATE UNIQUE INDEX plain_unique ON plain (a);                        -- never used, but not without a use
            CREATE INDEX plain_broken ON plain (b);
            UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plain_broken'::regclass;
            CREATE SCHEMA strange;
            CREATE TABLE strange.t (user_id bigint REFERENCES users);
            CREATE INDEX t_1 ON strange.t (user_id); CREATE INDEX t_2 ON strange.t (user_id);
            CREATE TABLE fat AS SELECT n AS id, repeat('x', 400) AS t FROM generate_series(1, 40000) n;
            CREATE TABLE lean AS SELECT * FROM fat;
            CREATE INDEX fat_wide ON fat ((id::text || repeat('y', 300)));
            CREATE INDEX lean_wide ON lean ((id::text || repeat('y', 300)));
            CREATE TABLE small AS SELECT * FROM fat LIMIT 1000;
            DELETE FROM fat WHERE id % 10 <> 0;
            DELETE FROM small WHERE id % 10 <> 0;
            ANALYZE fat, lean, small;
            """, Ct);

        var report = await ReportAsync(admin);
        var uncovered = Assert.Single(report.UncoveredForeignKeys);
        Assert.Equal(("plain", "plain_user_id_fkey"), (uncovered.Table, uncovered.Constraint));
        Assert.Equal(["user_id"], uncovered.Columns);
        Assert.Equal(["sessions_user_id", "sessions_user_id_again"], Assert.Single(report.Duplicates).Indexes);
        Assert.Equal("plain_broken", Assert.Single(report.Invalid).Index);
        var unused = report.Unused.Select(i => i.Index).ToList();
        Assert.Contains("sessions_user_id_again", unused);
        Assert.DoesNotContain("plain_unique", unused);
        Assert.DoesNotContain("users_pkey", unused);
        Assert.DoesNotContain(unused, name => name.StartsWith("strange.", StringComparison.Ordinal));
        Assert.Equal([("index", "fat_wide"), ("table", "fat")], report.Bloated.Select(b => (b.Kind, b.Name)).Order());
        Assert.All(report.Bloated, b => Assert.InRange(b.WastedBytes, b.Bytes / 2, b.Bytes));
    }

    private async Task<IndexReport> ReportAsync(Account admin) => await admin.GetAsync("/admin/indexes", WireJson.Default.IndexReport, Ct);
}
