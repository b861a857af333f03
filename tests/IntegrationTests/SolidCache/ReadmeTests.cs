using System.Runtime.CompilerServices;
using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using SolidCache;

namespace IntegrationTests.SolidCache;

/// <summary>The README's quick start, as it stands there: every line of its code blocks is a line below, which runs.</summary>
public class ReadmeTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task The_quick_start_works()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        var connectionString = database.ConnectionString;
        var services = new ServiceCollection();
        services.AddSolidCache(o => o.ConnectionString = connectionString);
        await UseAsync(services, database);
    }

    // Nobody answers under that name: it works all the same.
    [Fact]
    public async Task With_a_Redis_that_is_not_there_it_works_as_well()
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(Ct);
        var (connectionString, redisKey) = (database.ConnectionString, System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        var services = new ServiceCollection();
        services.AddSolidCache(o =>
        {
            o.ConnectionString = connectionString;
            o.Redis.ConnectionString = "redis.example.com:6379,ssl=true";   // or sentinel://…, cluster://…
            o.Redis.Key = redisKey;   // 32 bytes that all nodes share: what carries no MAC under it is not believed
        });
        await UseAsync(services, database);
    }

    private async Task UseAsync(ServiceCollection services, TestDatabase database)
    {
        await database.ExecuteAsync("CREATE TABLE users (id bigint PRIMARY KEY, name text); INSERT INTO users VALUES (7, 'Ann')", Ct);
        await using var provider = services.BuildServiceProvider();
        foreach (var hosted in provider.GetServices<IHostedService>()) await hosted.StartAsync(Ct);

        Assert.Equal("Ann", await ReadAsync(provider.GetRequiredService<HybridCache>(), database.DataSource, 7));
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        await RenameAsync(provider.GetRequiredService<TieredCache>(), connection, 7);
        Assert.Equal("Bea", await ReadAsync(provider.GetRequiredService<HybridCache>(), database.DataSource, 7));
        foreach (var hosted in provider.GetServices<IHostedService>()) await hosted.StopAsync(Ct);
    }

    // Change a line of the README's code, and this names it.
    [Fact]
    public void Every_line_of_its_code_is_a_line_of_this_file()
    {
        var folder = Path.GetDirectoryName(ThisFile())!;
        var lines = File.ReadAllLines(ThisFile()).Select(line => line.Trim()).ToHashSet(StringComparer.Ordinal);
        var readme = File.ReadAllText(Path.Combine(folder, "../../../src/SolidCache/README.md"));
        var code = readme.Split("```csharp\n").Skip(1).SelectMany(block => block.Split("```")[0].Split('\n')).Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();
        Assert.True(code.Length >= 8, $"only {code.Length} lines of code");
        Assert.All(code, line => Assert.Contains(line, lines));
    }

    private static async Task<string> ReadAsync(HybridCache cache, NpgsqlDataSource db, long id)
    {
        var user = await cache.GetOrCreateAsync(
            $"user:{id}", (db, id), static (s, ct) => LoadUserAsync(s.db, s.id, ct), tags: ["users"]);
        return user;
    }

    private static async Task RenameAsync(TieredCache cache, NpgsqlConnection connection, long id)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await RenameUserAsync(transaction, id, "Bea");
        var revision = await cache.InvalidateAsync(transaction, [$"user:{id}"]);
        await transaction.CommitAsync();
        await cache.BarrierAsync(revision);   // from here on no node answers with the old name
    }

    private static async ValueTask<string> LoadUserAsync(NpgsqlDataSource db, long id, CancellationToken ct)
    {
        await using var command = db.CreateCommand("SELECT name FROM users WHERE id = $1");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        return (string)(await command.ExecuteScalarAsync(ct))!;
    }

    private static async Task RenameUserAsync(NpgsqlTransaction transaction, long id, string name)
    {
        await using var command = new NpgsqlCommand("UPDATE users SET name = $2 WHERE id = $1", transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        await command.ExecuteNonQueryAsync();
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
