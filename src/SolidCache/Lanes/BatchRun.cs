using Npgsql;

namespace SolidCache.Lanes;

/// <summary>One round trip of a batched statement, on a lane or beside it.</summary>
internal static class BatchRun
{
    public static async ValueTask<(NpgsqlCommand, NpgsqlParameter[])> PrepareAsync<TRequest, TResult>(
        BatchedStatement<TRequest, TResult> statement, NpgsqlConnection connection)
    {
        var parameters = statement.CreateParameters();
        var command = new NpgsqlCommand(statement.Sql, connection);
        command.Parameters.AddRange(parameters);
        // Explicitly: the driver's automatic preparing leaves a connection broken when a statement fails at the wrong moment (npgsql#6391).
        await command.PrepareAsync().ConfigureAwait(false);
        return (command, parameters);
    }

    public static async ValueTask ExecuteAsync<TRequest, TResult>(
        BatchedStatement<TRequest, TResult> statement, NpgsqlCommand command, NpgsqlParameter[] parameters,
        List<LaneRequest<TRequest, TResult>> requests)
    {
        var values = new TRequest[requests.Count];
        for (var i = 0; i < values.Length; i++) values[i] = requests[i].Value;
        var batch = new Batch<TRequest, TResult>(values);
        try
        {
            statement.Bind(batch, parameters);
            var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync().ConfigureAwait(false)) statement.Read(reader, batch);
            }
        }
        catch
        {
            for (var i = 0; i < values.Length; i++)
            {
                if (batch.TryGetResult(i, out var result)) (result as IDisposable)?.Dispose();
            }

            throw;
        }

        // Only now: a row that was returned is not yet a row that is committed.
        for (var i = 0; i < values.Length; i++)
            requests[i].Complete(batch.TryGetResult(i, out var result) ? result : statement.WithoutRow(i, batch));
    }
}
