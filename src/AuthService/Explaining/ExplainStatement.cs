using System.Globalization;
using AuthService.Database;
using Npgsql;

namespace AuthService.Explaining;

/// <summary>Runs one statement as a prepared one runs and takes it back. Of what no rollback takes back only sequences move on.</summary>
internal sealed class ExplainStatement(NpgsqlConnection connection)
{
    private static readonly SqlFile Prepare = SqlFile.Beside<ExplainStatement>("prepare");
    private static readonly SqlFile Explain = SqlFile.Beside<ExplainStatement>("explain");
    private static readonly SqlFile Release = SqlFile.Beside<ExplainStatement>("release");
    private static readonly SqlFile Put = SqlFile.Beside<ExplainStatement>("put");

    // An installation in use is not to wait for this, nor this for it.
    private static readonly (string Name, string Value)[] Limits = [("lock_timeout", "2s"), ("statement_timeout", "60s")];

    /// <summary>As the cache's connections have it: Lanes/LaneConnections.cs.</summary>
    private static readonly (string Name, string Value)[] Lane = [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("jit", "off")];

    /// <summary>Both ways a pooled connection may plan it, or the one of the lanes.</summary>
    /// <param name="values">Of its parameters, as text.</param>
    /// <param name="rows">How many rows a table has, by its name.</param>
    public async Task<IReadOnlyList<Plan>> ExecuteAsync(OwnStatement statement, IReadOnlyList<string?> values, Func<string, long> rows, CancellationToken ct)
    {
        if (statement.RunsOnLanes) return [await PlanAsync(statement, values, "lane", Lane, rows, ct)];
        var custom = await PlanAsync(statement, values, "custom", [("plan_cache_mode", "force_custom_plan")], rows, ct);
        if (values.Count == 0 || statement.IsPlannedForItsValues) return [custom];   // there is no other
        return Plan.Choose(custom, await PlanAsync(statement, values, "generic", [("plan_cache_mode", "force_generic_plan")], rows, ct));
    }

    private async Task<Plan> PlanAsync(
        OwnStatement statement, IReadOnlyList<string?> values, string kind, (string Name, string Value)[] settings, Func<string, long> rows, CancellationToken ct)
    {
        var plan = await RunAsync();
        // The first run may have read from disk, or come while the machine had other things to do.
        if (plan.Flags is [{ Code: "slow" }] && await RunAsync() is { } again && again.Milliseconds < plan.Milliseconds) plan = again;
        return plan;

        async Task<Plan> RunAsync()
        {
            try
            {
                return Plan.Of(kind, await ExplainAsync(statement, values, settings, ct), rows);
            }
            catch (PostgresException e)
            {
                return Plan.Failed(kind, $"{e.SqlState} {e.MessageText}");
            }
        }
    }

    private async Task<string> ExplainAsync(OwnStatement statement, IReadOnlyList<string?> values, (string Name, string Value)[] settings, CancellationToken ct)
    {
        var isPrepared = false;
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            foreach (var (name, value) in Limits) await PutAsync(transaction, name, value, ct);
            // Before the settings: they are about the statement, and not about these.
            for (var i = 0; i < values.Count; i++)
            {
                if (values[i] is { } value) await PutAsync(transaction, Setting(i), value, ct);
            }

            foreach (var (name, value) in settings) await PutAsync(transaction, name, value, ct);
            await RunAsync(Prepare.Fill("types", List(statement.Parameters.Select(p => p.Type))).Fill("statement", statement.Text.TrimEnd().TrimEnd(';')), transaction, ct);
            isPrepared = true;
            var arguments = statement.Parameters.Select((p, i) => values[i] is null ? "NULL" : $"current_setting('{Setting(i)}')::{p.Type}");
            return (string)(await RunAsync(Explain.Fill("arguments", List(arguments)), transaction, ct))!;
        }
        finally
        {
            // Not the caller's token: what was left prepared would be in the way of the next.
            if (isPrepared && connection.FullState == System.Data.ConnectionState.Open) await RunAsync(Release, transaction: null, CancellationToken.None);
        }
    }

    /// <summary>Not as a <see cref="Statement"/>: that would prepare the preparing, and keep it.</summary>
    private async Task<object?> RunAsync(SqlFile file, NpgsqlTransaction? transaction, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(file.Text, connection, transaction) { CommandTimeout = 0 };   // the server's limits end it
        return await command.ExecuteScalarAsync(ct);
    }

    private static async Task PutAsync(NpgsqlTransaction transaction, string name, string value, CancellationToken ct)
    {
        await using var put = Put.On(transaction).With(name).With(value);
        await put.ExecuteScalarAsync(ct);
    }

    private static string Setting(int index) => string.Create(CultureInfo.InvariantCulture, $"explained.value{index + 1}");

    private static string List(IEnumerable<string> items) => string.Join(", ", items) is { Length: > 0 } list ? $"({list})" : "";
}
