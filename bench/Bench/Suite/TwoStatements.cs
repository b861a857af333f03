using System.Diagnostics;
using Bench.Lists;
using Npgsql;

namespace Bench.Suite;

/// <summary>A list as one writes it first: a statement that counts, and one for the page.</summary>
internal sealed class TwoStatements(NpgsqlDataSource db)
{
    /// <param name="condition">What accounts must meet beside being there.</param>
    /// <returns>Milliseconds of each call.</returns>
    public async Task<List<double>> TimeAsync(string condition, int calls)
    {
        var times = new List<double>();
        for (var i = 0; i < calls; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await using var connection = await db.OpenConnectionAsync();
            await ReadAsync(connection, $"SELECT count(*) FROM users WHERE deleted_at IS NULL AND {condition}");
            await ReadAsync(connection, Figures.Text($"""
                SELECT id, email, username, display_name, is_active, email_verified, created_at, updated_at, last_login_at
                FROM   users WHERE deleted_at IS NULL AND {condition} ORDER BY id LIMIT {ListQueries.PageLength}
                """));
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        return times;
    }

    private static async Task ReadAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.PrepareAsync();
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync()) row.GetValue(0);
    }
}
