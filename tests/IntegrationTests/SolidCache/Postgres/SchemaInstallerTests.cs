using Npgsql;
using SolidCache;
using SolidCache.Postgres;

namespace IntegrationTests.SolidCache.Postgres;

public class SchemaInstallerTests(Servers servers) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = servers.TestTimeout;

    // Take the lock away and they collide: "schema already exists", or a duplicate key in pg_namespace.
    [Fact]
    public async Task Nodes_that_start_at_once_install_once()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await Race.RunAsync(8, async _ =>
        {
            await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct);
            return true;
        });
        Assert.Equal("1 2 3", await VersionsAsync(database, "solid_cache"));
    }

    // Quote too little in SqlFile.In, or replace too little, and one of these is not found.
    [Theory]
    [InlineData("Ünï-code_1")]
    [InlineData("UPPER")]
    [InlineData("7th")]
    [InlineData("select")]
    [InlineData("my_solid_cache")]
    [InlineData("-")]
    public async Task Any_permitted_name_works(string schema)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, schema, _ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, schema, _ct);
        Assert.Equal("1 2 3", await VersionsAsync(database, schema));
        Assert.Equal(0L, await ScalarAsync(database, $"""SELECT "{schema}".cleanup_expired_cache()"""));
        Assert.Equal(1L, await ScalarAsync(database, $"""SELECT versions[1] FROM "{schema}".solid_cache_bump(ARRAY["{schema}".solid_cache_tag('user:42')])"""));
        await using var call = database.DataSource.CreateCommand($"""CALL "{schema}".cleanup_all_expired_cache()""");
        await call.ExecuteNonQueryAsync(_ct);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a'b")]
    [InlineData("a\"b")]
    [InlineData("a.b")]
    [InlineData("a b")]
    [InlineData("name\n")]
    [InlineData("ÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜÜ")]   // 32 letters, 64 bytes: PostgreSQL would cut it off
    public async Task A_name_that_is_not_permitted_is_refused(string schema)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await Assert.ThrowsAsync<ArgumentException>(() => SchemaInstaller.EnsureAsync(database.DataSource, schema, _ct));
        Assert.Throws<ArgumentException>(() => SolidCacheSchema.Script(schema));
    }

    [Fact]
    public async Task Two_schemas_of_one_database_have_nothing_in_common()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, "one", _ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, "two", _ct);
        foreach (var (schema, key) in new[] { ("one", 1), ("two", 2), ("two", 3) })
        {
            await using var insert = database.DataSource.CreateCommand(
                $"INSERT INTO {schema}.solid_cache_entries (key_hash, key, value, created_at, expires_at, byte_size) VALUES ({key}, 'k', '', now(), now(), 0)");
            await insert.ExecuteNonQueryAsync(_ct);
        }

        Assert.Equal(1L, await ScalarAsync(database, "SELECT one.cleanup_expired_cache()"));
        Assert.Equal(2L, await ScalarAsync(database, "SELECT two.cleanup_expired_cache()"));
    }

    // What the library says of itself to those who run their own migrations: leave a file out of Script and the catalogs differ.
    [Fact]
    public async Task The_script_run_by_hand_makes_the_same_catalog()
    {
        await using var installed = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var byHand = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var inSteps = await servers.CreateEmptyDatabaseAsync(_ct);
        await SchemaInstaller.EnsureAsync(installed.DataSource, "c", _ct);
        await RunAsync(byHand, SolidCacheSchema.Script("c"));
        await RunAsync(inSteps, SolidCacheSchema.Files[0].In("c"));
        await SchemaInstaller.EnsureAsync(inSteps.DataSource, "c", _ct);

        var expected = await CatalogAsync(installed);
        Assert.True(expected.Length > 60, $"only {expected.Length} objects");
        Assert.Equal(expected, await CatalogAsync(byHand));
        Assert.Equal(expected, await CatalogAsync(inSteps));
        Assert.Equal("", SolidCacheSchema.Script("c", SolidCacheSchema.Version));
    }

    [Fact]
    public async Task A_logged_cache_outlives_a_crash_and_an_unlogged_one_costs_less()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await RunAsync(database, SolidCacheSchema.Script("logged", logged: true));
        await RunAsync(database, SolidCacheSchema.Script("unlogged"));
        Assert.Equal('p', await ScalarAsync(database, "SELECT relpersistence FROM pg_class WHERE oid = 'logged.solid_cache_entries'::regclass"));
        Assert.Equal('u', await ScalarAsync(database, "SELECT relpersistence FROM pg_class WHERE oid = 'unlogged.solid_cache_entries'::regclass"));
        await SchemaInstaller.EnsureAsync(database.DataSource, "logged", _ct);
        Assert.Equal('p', await ScalarAsync(database, "SELECT relpersistence FROM pg_class WHERE oid = 'logged.solid_cache_entries'::regclass"));
    }

    // Later versions only add, so an older node has nothing to do here, nor anything to complain of.
    [Fact]
    public async Task A_newer_database_is_left_alone()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct);
        await RunAsync(database, "INSERT INTO solid_cache.solid_cache_schema (version) VALUES (99)");
        await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct);
        Assert.Equal("1 2 3 99", await VersionsAsync(database, "solid_cache"));
    }

    // Begin with CREATE SCHEMA IF NOT EXISTS and this fails: it asks for the right even where the schema exists.
    [Fact]
    public async Task A_role_that_may_create_nothing_starts_on_a_finished_schema_with_one_statement()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct);
        await RunAsync(database, """
            CREATE ROLE solid_cache_reader;
            GRANT USAGE ON SCHEMA solid_cache TO solid_cache_reader;
            GRANT SELECT ON solid_cache.solid_cache_schema TO solid_cache_reader
            """);
        try
        {
            await using var reader = NpgsqlDataSource.Create(database.ConnectionString + ";Options=-c role=solid_cache_reader");
            await SchemaInstaller.EnsureAsync(reader, "solid_cache", _ct);
            var refused = await Assert.ThrowsAsync<PostgresException>(() => SchemaInstaller.EnsureAsync(reader, "another", _ct));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        }
        finally
        {
            await RunAsync(database, "DROP OWNED BY solid_cache_reader; DROP ROLE solid_cache_reader");
        }
    }

    // Without the transaction the first file stays behind, and the next start collides with it.
    [Fact]
    public async Task An_installation_that_fails_leaves_nothing()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await RunAsync(database, "CREATE SCHEMA solid_cache; CREATE FUNCTION solid_cache.cleanup_expired_cache() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'");
        var taken = await Assert.ThrowsAsync<PostgresException>(() => SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct));
        Assert.Equal(PostgresErrorCodes.DuplicateFunction, taken.SqlState);
        Assert.Equal(0L, await ScalarAsync(database, "SELECT count(*) FROM pg_class WHERE relnamespace = 'solid_cache'::regnamespace"));
        await RunAsync(database, "DROP FUNCTION solid_cache.cleanup_expired_cache()");
        await SchemaInstaller.EnsureAsync(database.DataSource, "solid_cache", _ct);
        Assert.Equal("1 2 3", await VersionsAsync(database, "solid_cache"));
    }

    private async Task<string> VersionsAsync(TestDatabase database, string schema) =>
        (string)(await ScalarAsync(database, $"""SELECT string_agg(version::text, ' ' ORDER BY version) FROM "{schema}".solid_cache_schema"""))!;

    private async Task<string[]> CatalogAsync(TestDatabase database) => (string[])(await ScalarAsync(database, """
        SELECT array_agg(t ORDER BY t COLLATE "C") FROM (
            SELECT format('%s %s %s %s', c.relkind, c.relname, c.relpersistence, c.reloptions) FROM pg_class c WHERE c.relnamespace = 'c'::regnamespace
            UNION ALL
            SELECT format('%s.%s %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage,
                          pg_get_expr(d.adbin, d.adrelid))
            FROM   pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
            WHERE  a.attnum > 0 AND a.attrelid IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'c'::regnamespace)
            UNION ALL
            SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'c'::regnamespace
            UNION ALL
            SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.connamespace = 'c'::regnamespace) AS o (t)
        """))!;

    private async Task<object?> ScalarAsync(TestDatabase database, string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        return await command.ExecuteScalarAsync(_ct);
    }

    private async Task RunAsync(TestDatabase database, string sql)
    {
        await using var command = database.DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(_ct);
    }
}
