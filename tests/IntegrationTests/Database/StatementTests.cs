using AuthService.Database;
using Npgsql;

namespace IntegrationTests.Database;

public class StatementTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // With the driver's automatic preparing (Max Auto Prepare=100;Auto Prepare Min Usages=2, and NpgsqlDataSource.CreateCommand) the
    // second of these fails with "unexpected backend message": the run that prepared it was the one that failed.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_run_that_fails_leaves_the_connection_good(int before)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        // One connection, so that every run meets what the one before left.
        await using var db = DataSources.Create(database.ConnectionString + ";Maximum Pool Size=1", new DatabaseOptions { PoolMinimum = 0 }, loggers: null);
        var file = new SqlFile("half", "SELECT 100 / $1 AS half");
        for (var i = 0; i < before; i++) Assert.Equal(50, await RunAsync(db, file, 2));
        for (var i = 0; i < 3; i++)
        {
            var failure = await Assert.ThrowsAsync<PostgresException>(() => RunAsync(db, file, 0));
            Assert.Equal(PostgresErrorCodes.DivisionByZero, failure.SqlState);
            Assert.Equal(25, await RunAsync(db, file, 4));
        }
    }

    // Prepare it anew each time, or not at all, and this fails.
    [Fact]
    public async Task A_statement_is_prepared_once_on_a_connection()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var db = DataSources.Create(database.ConnectionString + ";Maximum Pool Size=1", new DatabaseOptions { PoolMinimum = 0 }, loggers: null);
        var file = new SqlFile("double", "SELECT 2 * $1 AS double");
        var prepared = new SqlFile("prepared", "SELECT count(*)::integer FROM pg_prepared_statements WHERE statement LIKE '%AS double'");
        for (var i = 0; i < 3; i++) Assert.Equal(14, await RunAsync(db, file, 7));
        await using var count = prepared.On(db);
        Assert.Equal(1, await count.ExecuteScalarAsync(Ct));
    }

    // Prepare it all the same and the last line finds it, with a plan for all values from the sixth run on.
    [Fact]
    public async Task A_statement_that_is_planned_for_its_values_is_never_prepared()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var db = DataSources.Create(database.ConnectionString + ";Maximum Pool Size=1", new DatabaseOptions { PoolMinimum = 0 }, loggers: null);
        var file = new SqlFile("triple", "SELECT 3 * $1 AS triple") { IsPlannedForItsValues = true };
        for (var i = 0; i < 7; i++) Assert.Equal(21, await RunAsync(db, file, 7));
        await using var count = new SqlFile("prepared", "SELECT count(*)::integer FROM pg_prepared_statements WHERE statement LIKE '%AS triple'").On(db);
        Assert.Equal(0, await count.ExecuteScalarAsync(Ct));
    }

    private async Task<int> RunAsync(NpgsqlDataSource db, SqlFile file, int value)
    {
        await using var statement = file.On(db).With(value);
        return (int)(await statement.ExecuteScalarAsync(Ct))!;
    }
}
