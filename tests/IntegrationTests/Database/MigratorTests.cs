using AuthService.Database;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IntegrationTests.Database;

public class MigratorTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly Migration One = Migration.Of("0001_one", "CREATE TABLE one (id int); INSERT INTO one VALUES (1);");
    private static readonly Migration Two = Migration.Of("0002_two", "CREATE TABLE two (id int)");
    private static readonly Migration Three = Migration.Of("0003_three", "CREATE TABLE three (id int)");

    private readonly CancellationToken _ct = servers.TestTimeout;

    [Fact]
    public async Task A_fresh_database_gets_every_migration_once_and_in_order()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        var migrator = new Migrator(database.DataSource, NullLogger<Migrator>.Instance);

        var first = await migrator.ApplyAsync(_ct);
        var second = await migrator.ApplyAsync(_ct);

        Assert.Equal(Migration.Embedded, first);
        Assert.Empty(second);
        Assert.Empty(await migrator.PlanAsync(_ct));
        Assert.Equal(Migration.Embedded.Select(m => m.Name), await AppliedAsync(database));
    }

    // Take the lock away (drop TakeLockAsync) and the nodes collide: "relation already exists", or a duplicate key.
    [Fact]
    public async Task Nodes_that_start_at_once_apply_each_migration_once()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);

        var applied = await Race.RunAsync(8, _ => Migrator(database, One, Two, Three).ApplyAsync(_ct));

        Assert.Single(applied, list => list.Count == 3);
        Assert.Equal(7, applied.Count(list => list.Count == 0));
        Assert.Equal(["0001_one", "0002_two", "0003_three"], await AppliedAsync(database));
    }

    [Fact]
    public async Task A_node_does_not_wait_for_ever_for_another_one()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var other = await database.DataSource.OpenConnectionAsync(_ct);
        await using (var hold = SqlFile.Beside<Migrator>("take_lock").On(other).With(0x6175746873657276L)) await hold.ExecuteNonQueryAsync(_ct);
        await using var pool = DataSources.Create($"{database.ConnectionString};Maximum Pool Size=1", new(), loggers: null);
        var migrator = new Migrator(pool, [One], NullLogger<Migrator>.Instance) { LockWait = TimeSpan.FromMilliseconds(100) };

        var error = await Assert.ThrowsAsync<MigrationException>(() => migrator.ApplyAsync(_ct));

        Assert.Contains("Another node", error.Message, StringComparison.Ordinal);
        Assert.False(await ExistsAsync(database, "schema_migrations"));
        // The pool resets nothing by itself: configure before the try and this fails.
        await using var command = pool.CreateCommand("SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')");
        Assert.Equal("30s 0", await command.ExecuteScalarAsync(_ct));
    }

    [Fact]
    public async Task A_plan_lists_what_is_pending_and_changes_nothing()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);

        Assert.Equal([One, Two], await Migrator(database, One, Two).PlanAsync(_ct));
        Assert.False(await ExistsAsync(database, "schema_migrations"));

        await Migrator(database, One).ApplyAsync(_ct);
        Assert.Equal([Two], await Migrator(database, One, Two).PlanAsync(_ct));
        Assert.Equal(["0001_one"], await AppliedAsync(database));
        Assert.False(await ExistsAsync(database, "two"));
    }

    // Commit the file and its row apart and one half of this fails.
    [Fact]
    public async Task A_migration_that_fails_leaves_nothing_and_those_before_it_stay()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        var broken = Migration.Of("0002_broken", "CREATE TABLE two (id int); INSERT INTO nowhere VALUES (1);");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, One, broken, Three).ApplyAsync(_ct));

        Assert.Contains("0002_broken", error.Message, StringComparison.Ordinal);
        Assert.Equal(["0001_one"], await AppliedAsync(database));
        Assert.False(await ExistsAsync(database, "two"));
        Assert.Equal([Two, Three], await Migrator(database, One, Two, Three).ApplyAsync(_ct));   // and the lock is free
    }

    [Fact]
    public async Task A_file_that_was_changed_after_it_was_applied_is_named()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await Migrator(database, One, Two).ApplyAsync(_ct);
        var changed = Migration.Of(One.Name, One.Sql + " -- now with a comment");

        var error = await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, changed, Two, Three).ApplyAsync(_ct));

        Assert.Contains("0001_one", error.Message, StringComparison.Ordinal);
        Assert.False(await ExistsAsync(database, "three"));
        await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, changed, Two, Three).PlanAsync(_ct));
    }

    // Hash the text as it comes and this fails.
    [Fact]
    public async Task A_checkout_with_other_line_ends_is_no_change()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await Migrator(database, Migration.Of("0001_one", "CREATE TABLE one\n(id int)\n")).ApplyAsync(_ct);

        Assert.Empty(await Migrator(database, Migration.Of("0001_one", "CREATE TABLE one\r\n(id int)\r\n")).ApplyAsync(_ct));
    }

    [Fact]
    public async Task A_database_that_is_newer_than_the_binary_is_refused_with_both_versions_named()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await Migrator(database, One, Two, Three).ApplyAsync(_ct);

        var error = await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, One, Two).ApplyAsync(_ct));

        Assert.Contains("0003", error.Message, StringComparison.Ordinal);
        Assert.Contains("0002", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, One, Two).PlanAsync(_ct));
    }

    [Fact]
    public async Task A_file_put_in_behind_an_applied_one_is_refused()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await Migrator(database, One, Three).ApplyAsync(_ct);

        var late = await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, One, Two, Three).ApplyAsync(_ct));
        Assert.Contains("0002_two", late.Message, StringComparison.Ordinal);

        // And the other way round: a number the binary skips.
        var unknown = await Assert.ThrowsAsync<MigrationException>(() => Migrator(database, Two, Three).ApplyAsync(_ct));
        Assert.Contains("0001_one", unknown.Message, StringComparison.Ordinal);
    }

    // statement_timeout is 30 s in every session of the pool; here 100 ms stand for it. Don't lift it and this fails.
    [Fact]
    public async Task A_migration_may_take_longer_than_a_statement_and_the_pool_gets_its_limits_back()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var pool = DataSources.Create(
            $"{database.ConnectionString};Maximum Pool Size=1;Minimum Pool Size=0", new() { StatementTimeout = TimeSpan.FromMilliseconds(100) }, loggers: null);

        await new Migrator(pool, [Migration.Of("0001_slow", "SELECT pg_sleep(0.3)")], NullLogger<Migrator>.Instance).ApplyAsync(_ct);

        await using var command = pool.CreateCommand("SELECT current_setting('statement_timeout') || ' ' || current_setting('lock_timeout')");
        Assert.Equal("100ms 0", await command.ExecuteScalarAsync(_ct));
    }

    private static Migrator Migrator(TestDatabase database, params Migration[] migrations) =>
        new(database.DataSource, migrations, NullLogger<Migrator>.Instance);

    private async Task<List<string>> AppliedAsync(TestDatabase database)
    {
        await using var command = database.DataSource.CreateCommand("SELECT name FROM schema_migrations ORDER BY version");
        await using var reader = await command.ExecuteReaderAsync(_ct);
        List<string> names = [];
        while (await reader.ReadAsync(_ct)) names.Add(reader.GetString(0));
        return names;
    }

    private async Task<bool> ExistsAsync(TestDatabase database, string table)
    {
        await using var command = database.DataSource.CreateCommand("SELECT to_regclass($1) IS NOT NULL");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        return (bool)(await command.ExecuteScalarAsync(_ct))!;
    }
}
