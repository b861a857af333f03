using System.Collections.Concurrent;
using AuthService.Features.Webhooks;
using IntegrationTests.SolidCache.Freshness;
using Npgsql;

namespace IntegrationTests.Features.Webhooks;

/// <summary>From a change to the jobs it makes: each committed change once for each webhook that wants it, whatever the order of commits.</summary>
public class DispatchChangesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Take pg_snapshot_xmax for pg_snapshot_xmin in dispatch.sql and take_position.sql, or go by "id > last", and the slow one is passed over.
    [Fact]
    public async Task A_transaction_that_began_early_and_commits_late_is_told_and_one_that_is_rolled_back_is_not()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var dispatch = node.Services.GetRequiredService<DispatchChanges>();
        var admin = await node.AddAdministratorAsync("root", Ct);
        string[] names = ["before", "slow", "undone", "quick", "later"];
        foreach (var name in names) await database.AddRoleAsync(name, Ct);
        var users = await database.AddUsersAsync("user", names.Length, Ct);   // one for each: changes of one account wait for each other
        await GrantAsync(null, "before");
        await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["*"], Ct);
        Assert.Equal(0, await dispatch.ExecuteOnceAsync(Ct));   // begins at its making

        await using var slow = await database.DataSource.OpenConnectionAsync(Ct);
        await using var open = await slow.BeginTransactionAsync(Ct);
        await GrantAsync(open, "slow");
        await using (var other = await database.DataSource.OpenConnectionAsync(Ct))
        {
            await using var undone = await other.BeginTransactionAsync(Ct);
            await GrantAsync(undone, "undone");
            await undone.RollbackAsync(Ct);
        }

        await GrantAsync(null, "quick");
        Assert.Equal(1, await dispatch.ExecuteOnceAsync(Ct));
        Assert.Equal(0, await dispatch.ExecuteOnceAsync(Ct));
        await GrantAsync(null, "later");
        Assert.Equal(1, await dispatch.ExecuteOnceAsync(Ct));
        await open.CommitAsync(Ct);
        Assert.Equal(1, await dispatch.ExecuteOnceAsync(Ct));
        Assert.Equal(0, await dispatch.ExecuteOnceAsync(Ct));
        Assert.Equal(["quick", "later", "slow"], await NamesAsync(database));

        async Task GrantAsync(NpgsqlTransaction? transaction, string name)
        {
            var sql = $"INSERT INTO user_roles (user_id, role_id) SELECT {users[Array.IndexOf(names, name)]}, id FROM roles WHERE name = '{name}'";
            if (transaction is null) { await database.ExecuteAsync(sql, Ct); return; }
            await using var insert = new NpgsqlCommand(sql, transaction.Connection, transaction);
            await insert.ExecuteNonQueryAsync(Ct);
        }
    }

    // Order fresh in dispatch.sql by xid alone, or move the position before the last step, and changes are missing; forget last_xid and they are told again.
    [Fact]
    public async Task A_backlog_is_told_in_steps_and_what_commits_meanwhile_as_well()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var services = node.Services;
        DispatchChanges Dispatcher() => new(database.DataSource, services.GetRequiredService<AuthService.Jobs.JobOptions>(), TimeProvider.System, services.GetRequiredService<ILogger<DispatchChanges>>()) { ChangesPerStep = 3 };
        var admin = await node.AddAdministratorAsync("root", Ct);
        await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["role.created"], Ct);
        Assert.Equal(0, await Dispatcher().ExecuteOnceAsync(Ct));

        // Straight into the feed: those who change roles wait for each other.
        await using var slow = await database.DataSource.OpenConnectionAsync(Ct);
        await using var open = await slow.BeginTransactionAsync(Ct);
        await using (var insert = new NpgsqlCommand("INSERT INTO authz_changes (kind, name) SELECT 'role.created', 'slow' || n FROM generate_series(1, 4) n", slow, open)) await insert.ExecuteNonQueryAsync(Ct);
        await database.ExecuteAsync("INSERT INTO authz_changes (kind, name) SELECT 'role.created', 'many' || n FROM generate_series(1, 10) n", Ct);   // more than a step, of one transaction
        for (var n = 1; n <= 5; n++) await database.ExecuteAsync($"INSERT INTO authz_changes (kind, name) VALUES ('role.created', 'one{n}')", Ct);
        // One makes way for the other at each step; nobody passes anything over.
        var (first, second) = (Dispatcher(), Dispatcher());
        long told = 0;
        while (await DispatchedAsync() is > 0 and var jobs) told += jobs;
        Assert.Equal(15, told);
        await open.CommitAsync(Ct);
        Assert.Equal(4, await DispatchedAsync());
        Assert.Equal(0, await DispatchedAsync());
        var names = await NamesAsync(database);
        Assert.Equal((19, 19), (names.Length, names.Distinct(StringComparer.Ordinal).Count()));

        async Task<long> DispatchedAsync() => (await Task.WhenAll(first.ExecuteOnceAsync(Ct), second.ExecuteOnceAsync(Ct))).Sum();
    }

    // Leave FOR UPDATE out of take_position.sql, and changes are told twice.
    [Fact]
    public async Task Each_change_is_told_once_however_many_nodes_are_at_it_and_whoever_overtakes_whom()
    {
        const int writers = 6, changes = 40, nodes = 3;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var users = await database.AddUsersAsync("user", writers, Ct);
        await database.ExecuteAsync($"INSERT INTO roles (name) SELECT 'w' || w || '-' || n FROM generate_series(0, {writers - 1}) w, generate_series(0, {changes - 1}) n", Ct);
        for (var i = 0; i < 2; i++) await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["role.granted"], Ct);
        var dispatch = node.Services.GetRequiredService<DispatchChanges>();
        var committed = new ConcurrentBag<string>();
        var (writing, dispatched) = (writers, 0L);
        await Race.RunAsync(writers + nodes, async number =>
        {
            if (number >= writers)
            {
                while (Volatile.Read(ref writing) > 0) Interlocked.Add(ref dispatched, await dispatch.ExecuteOnceAsync(Ct));
                return 0;
            }

            var random = new Chance(number);
            await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
            for (var i = 0; i < changes; i++)
            {
                await using var transaction = await connection.BeginTransactionAsync(Ct);
                await using var insert = new NpgsqlCommand($"INSERT INTO user_roles (user_id, role_id) SELECT {users[number]}, id FROM roles WHERE name = 'w{number}-{i}'; SELECT pg_sleep({random.Next(5)} / 1000.0)", connection, transaction);
                await insert.ExecuteNonQueryAsync(Ct);
                if (random.Next(4) == 0) { await transaction.RollbackAsync(Ct); continue; }
                await transaction.CommitAsync(Ct);
                committed.Add($"w{number}-{i}");
            }

            Interlocked.Decrement(ref writing);
            return 0;
        });
        Assert.True(dispatched > 0, "nothing was told while others wrote");
        await dispatch.ExecuteOnceAsync(Ct);
        Assert.Equal(committed.Concat(committed).Order(StringComparer.Ordinal), (await NamesAsync(database)).Order(StringComparer.Ordinal));
    }

    // Leave the coarse kinds out of the join, and who asked for grants hears nothing of a thousand and one.
    [Fact]
    public async Task What_stands_for_many_changes_is_told_to_everybody_and_nothing_to_those_who_are_switched_off()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var dispatch = node.Services.GetRequiredService<DispatchChanges>();
        var admin = await node.AddAdministratorAsync("root", Ct);
        await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["user.deleted"], Ct);
        var off = await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["*"], Ct);
        await database.ExecuteSqlAsync("UPDATE webhooks SET is_active = false WHERE id = $1", Ct, off.Id);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('one')", Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) SELECT 'many' || n FROM generate_series(1, 1001) n", Ct);
        Assert.Equal(1, await dispatch.ExecuteOnceAsync(Ct));
        Assert.Equal("roles.changed", await database.ReadAsync<string>("SELECT arguments ->> 'type' FROM jobs WHERE kind = 'deliver_webhook'", Ct));
    }

    // Compare nothing with the database's own place and a copy's webhooks are silent until it has caught up.
    [Fact]
    public async Task A_copy_of_another_database_goes_on_from_where_it_is()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var dispatch = node.Services.GetRequiredService<DispatchChanges>();
        await node.CreateWebhookAsync(await node.AddAdministratorAsync("root", Ct), "https://hooks.example.org/", ["*"], Ct);
        await database.ExecuteAsync("UPDATE webhook_position SET snapshot = '4000000000:4000000000:'", Ct);
        await dispatch.ExecuteOnceAsync(Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('told')", Ct);
        Assert.Equal(1, await dispatch.ExecuteOnceAsync(Ct));
        Assert.Equal(["told"], await NamesAsync(database));
    }

    /// <summary>Of the changes that jobs were made of, in the order in which they were.</summary>
    private async Task<string[]> NamesAsync(TestDatabase database) =>
        await database.ReadAsync<string[]>("SELECT coalesce(array_agg(arguments -> 'data' ->> 'name' ORDER BY enqueued_at, id), '{}') FROM jobs WHERE kind = 'deliver_webhook'", Ct);
}
