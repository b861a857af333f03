using Npgsql;

namespace IntegrationTests.SolidCache;

/// <summary>Which rights a cache needs on its server: those of docs/operate/install.md, and no superuser's.</summary>
public class PrivilegesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task An_account_with_the_documented_grants_caches_invalidates_and_waits()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var role = $"serve_{Guid.NewGuid():N}";
        var grants = DocumentedGrants().Replace("authservice_serve", role, StringComparison.Ordinal);
        await database.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'of this test'; {grants}", Ct);
        try
        {
            var connectionString = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role, Password = "of this test" }.ConnectionString;
            await using var node = await CacheTestNode.StartAsync(database, Ct, o => o.ConnectionString = connectionString);
            Assert.True(node.Node.State.IsLeaseHeld);
            var loads = 0;
            Assert.Equal(1, await node.GetAsync("key", () => ++loads, Ct));
            Assert.Equal(1, await node.GetAsync("key", () => ++loads, Ct));
            await node.Cache.RemoveAsync("key", Ct);
            Assert.Equal(2, await node.GetAsync("key", () => ++loads, Ct));
            await node.Node.Pruning.PruneAsync(Ct);
            await node.Node.Upkeep.CleanUpAsync(Ct);
        }
        finally
        {
            await database.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}", Ct);
        }
    }

    private static string DocumentedGrants()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder)!;
        var sql = File.ReadAllText(Path.Combine(folder, "docs", "operate", "install.md"));
        var block = sql[sql.IndexOf("GRANT USAGE ON SCHEMA public", StringComparison.Ordinal)..];
        return block[..block.IndexOf("```", StringComparison.Ordinal)];
    }
}
