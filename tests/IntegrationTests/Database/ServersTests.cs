namespace IntegrationTests.Database;

/// <summary>The tests' own ground: what every other test relies on.</summary>
public class ServersTests(Servers servers) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = servers.TestTimeout;

    [Fact]
    public async Task Databases_made_at_once_are_migrated_and_apart()
    {
        var databases = await Race.RunAsync(4, _ => servers.CreateDatabaseAsync(_ct));
        foreach (var database in databases)
        {
            await using var insert = database.DataSource.CreateCommand(
                "INSERT INTO roles (name) VALUES ('only here') RETURNING (SELECT count(*) FROM roles)");
            Assert.Equal(2L, await insert.ExecuteScalarAsync(_ct));
        }

        foreach (var database in databases) await database.DisposeAsync();
    }

    [Fact]
    public async Task A_commit_is_waited_for()
    {
        await using var database = await servers.CreateDatabaseAsync(_ct);
        await using var command = database.DataSource.CreateCommand("SHOW synchronous_commit");
        Assert.Equal("on", await command.ExecuteScalarAsync(_ct));
    }
}
