using AuthService.Seeding;

namespace IntegrationTests.Seeding;

public class SeedDemonstrationTests(Servers servers) : IClassFixture<Servers>
{
    private const string Hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    private CancellationToken Ct => servers.TestTimeout;

    [Theory]
    [InlineData(500, 50, 100)]
    [InlineData(10, 1, 8)]    // one role: nobody can hold two
    [InlineData(10, 2, 9)]
    [InlineData(10, 3, 26)]   // with a fixed stride of 13 through the permissions, a role had two of eight
    [InlineData(10, 7, 13)]
    [InlineData(0, 0, 8)]
    public async Task Accounts_hold_two_roles_and_roles_eight_permissions(int users, int roles, int permissions)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var rows = 0L;
        var first = await new SeedDemonstration(database.DataSource, TimeProvider.System).ExecuteAsync(new SeedSize(users, roles, permissions, Hash), r => rows = r, Ct);
        Assert.Equal(1, first);
        Assert.Equal(users, await CountAsync(database, "SELECT count(*) FROM users WHERE username ~ '^u[0-9]+$' AND email = username || '@example.com' AND is_active AND email_verified"));
        Assert.Equal(roles, await CountAsync(database, "SELECT count(*) FROM roles WHERE NOT is_system"));
        Assert.Equal(permissions, await CountAsync(database, "SELECT count(*) FROM permissions WHERE NOT is_system"));
        var perUser = Math.Min(2, roles);
        Assert.Equal(users, await CountAsync(database, $"SELECT count(*) FROM users u WHERE (SELECT count(*) FROM user_roles ur WHERE ur.user_id = u.id) = {perUser}"));
        Assert.Equal(roles, await CountAsync(database, "SELECT count(*) FROM roles r WHERE NOT is_system AND (SELECT count(*) FROM role_permissions rp WHERE rp.role_id = r.id) = 8"));
        Assert.Equal(permissions + 16, await CountAsync(database, "SELECT count(*) FROM role_permissions rp JOIN roles r ON r.id = rp.role_id WHERE r.name = 'admin'"));
        Assert.Equal(["api_keys:read", "permissions:read", "roles:read", "users:read"], await database.ReadSqlAsync<string[]>(
            "SELECT array_agg(p.resource || ':' || p.action ORDER BY p.resource) FROM role_permissions rp JOIN roles r ON r.id = rp.role_id JOIN permissions p ON p.id = rp.permission_id WHERE r.name = 'user'", Ct));
        // Spread over the last year, none in the future, and no role left out while there are accounts enough.
        Assert.Equal(0, await CountAsync(database, "SELECT count(*) FROM users WHERE created_at > now() OR created_at < now() - interval '366 days'"));
        if (users >= roles) Assert.Equal(0, await CountAsync(database, "SELECT count(*) FROM roles r WHERE NOT is_system AND NOT EXISTS (SELECT FROM user_roles ur WHERE ur.role_id = r.id)"));
    }

    [Fact]
    public async Task Seeding_again_adds_and_an_account_made_since_is_not_in_the_way()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var seed = new SeedDemonstration(database.DataSource, TimeProvider.System);
        await seed.ExecuteAsync(new SeedSize(20, 5, 16, Hash), _ => { }, Ct);
        var made = await database.AddRightlessUserAsync("somebody", Ct);
        Assert.Equal(21, await seed.ExecuteAsync(new SeedSize(10, 6, 16, Hash), _ => { }, Ct));
        Assert.Equal(30, await CountAsync(database, "SELECT count(*) FROM users WHERE username ~ '^u[0-9]+$'"));
        Assert.Equal(60, await CountAsync(database, "SELECT count(*) FROM user_roles"));
        Assert.Equal(6, await CountAsync(database, "SELECT count(*) FROM roles WHERE NOT is_system"));
        Assert.True(made < await database.AddRightlessUserAsync("after", Ct));   // the sequence goes on behind the numbers that were taken
    }

    // The keys and indexes are dropped while rows come in. Write a key of add_checks.sql otherwise than 0002_roles.sql does (leave ON DELETE CASCADE out), or forget
    // rebuild_indexes.sql, and this fails.
    [Theory]
    [InlineData(5)]
    [InlineData(2_000)]   // and then again, when there are more than few and the indexes stay
    public async Task The_schema_afterwards_is_the_one_the_migrations_make(int users)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        // An operator's own, of a kind ours are not.
        await database.ExecuteSqlAsync("CREATE INDEX \"Of an Operator\" ON users USING brin (created_at) WITH (pages_per_range = 16)", Ct);
        var before = await SchemaAsync(database);
        var seed = new SeedDemonstration(database.DataSource, TimeProvider.System);
        for (var round = 0; round < 2; round++)
        {
            var (index, wereFew) = (await IndexAsync(), await CountAsync(database, "SELECT count(*) FROM users") <= 1_000);
            await seed.ExecuteAsync(new SeedSize(users, 2, 8, Hash), _ => { }, Ct);
            Assert.Equal(before, await SchemaAsync(database));
            Assert.Equal(wereFew, index != await IndexAsync());
        }

        Task<long> IndexAsync() => CountAsync(database, "SELECT 'users_names_trigrams'::regclass::oid::bigint");
    }

    // Lock no more than lock_users.sql does, and this fails: the transaction that has read, and now wants to write, and DROP INDEX wait for each other, until one of them
    // dies of it.
    [Fact]
    public async Task A_transaction_that_reads_and_then_writes_accounts_ends_well_beside_a_seeding()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var anna = await database.AddRightlessUserAsync("anna", Ct);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        await using var transaction = await connection.BeginTransactionAsync(Ct);
        await using var command = new Npgsql.NpgsqlCommand($"SELECT count(*) FROM users WHERE id = {anna}", connection, transaction);
        Assert.Equal(1L, await command.ExecuteScalarAsync(Ct));
        var seeding = new SeedDemonstration(database.DataSource, TimeProvider.System).ExecuteAsync(new SeedSize(500, 2, 8, Hash), _ => { }, Ct);
        await Eventually.TrueAsync(() => database.ReadSqlAsync<bool>("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass)", Ct), TimeSpan.FromSeconds(30));
        command.CommandText = $"UPDATE users SET last_login_at = now() WHERE id = {anna}";
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Ct));
        await transaction.CommitAsync(Ct);
        Assert.Equal(1, await seeding);
        Assert.Equal(501, await CountAsync(database, "SELECT count(*) FROM users"));
    }

    // One transaction: what fails at the end leaves nothing, and the keys are there.
    [Fact]
    public async Task A_seeding_that_is_broken_off_leaves_nothing()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var before = await SchemaAsync(database);
        using var stop = new CancellationTokenSource();
        var seed = new SeedDemonstration(database.DataSource, TimeProvider.System);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => seed.ExecuteAsync(new SeedSize(20_000, 5, 16, Hash), rows =>
        {
            if (rows > 25_000) stop.Cancel();   // among the roles: the keys and the indexes are dropped at this moment
        }, stop.Token));
        Assert.Equal((0, 2, 16), (await CountAsync(database, "SELECT count(*) FROM users"), await CountAsync(database, "SELECT count(*) FROM roles"), await CountAsync(database, "SELECT count(*) FROM permissions")));
        Assert.Equal(before, await SchemaAsync(database));
    }

    /// <summary>Constraints, indexes and how many triggers enforce foreign keys.</summary>
    private Task<string[]> SchemaAsync(TestDatabase database) => database.ReadSqlAsync<string[]>(
        """
        SELECT array_agg(line ORDER BY line COLLATE "C")
        FROM  (SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
               UNION ALL
               SELECT concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid, indisunique) FROM pg_index WHERE indrelid IN ('users'::regclass, 'user_roles'::regclass)
               UNION ALL
               SELECT 'triggers ' || count(*) FROM pg_trigger WHERE tgisinternal AND tgenabled = 'O') v (line)
        """, Ct);

    private Task<long> CountAsync(TestDatabase database, string sql) => database.ReadSqlAsync<long>(sql, Ct);
}
