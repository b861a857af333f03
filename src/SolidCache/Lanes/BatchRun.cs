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
        using var timing = SlowStatements.Time(command);   // waits for a locked table as well
        await command.PrepareAsync().ConfigureAwait(false);
        return (command, parameters);
    }

    public static Batch<TRequest, TResult> Gather<TRequest, TResult>(List<LaneRequest<TRequest, TResult>> requests)
    {
        var values = new TRequest[requests.Count];
        for (var i = 0; i < values.Length; i++) values[i] = requests[i].Value;
        return new Batch<TRequest, TResult>(values);
    }

    /// <summary>Fills the batch. What it holds is not handed out before: a row that was returned is not yet a row that is committed.</summary>
    public static async ValueTask ExecuteAsync<TRequest, TResult>(
        BatchedStatement<TRequest, TResult> statement, NpgsqlCommand command, NpgsqlParameter[] parameters,
        Batch<TRequest, TResult> batch, CancellationToken ct = default)
    {
        try
        {
            statement.Bind(batch, parameters);
            using var timing = SlowStatements.Time(command);
            var reader = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
            batch.HasRun = true;
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(ct).ConfigureAwait(false)) statement.Read(reader, batch);
            }

            for (var i = 0; i < batch.Requests.Count; i++)
            {
                if (!batch.TryGetResult(i, out _)) batch.SetResult(i, statement.WithoutRow(i, batch));
            }
        }
        catch
        {
            for (var i = 0; i < batch.Requests.Count; i++)
            {
                if (batch.TryGetResult(i, out var result)) (result as IDisposable)?.Dispose();
            }

            throw;
        }
    }

    /// <summary>A lane has no time for a statement that waits for a lock; beside the lane there is more.</summary>
    public static bool MayTakeLonger(Exception e) =>
        e is PostgresException { SqlState: PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure };
}

/// <summary>The answers of a batch that is complete.</summary>
internal sealed class Answers<TRequest, TResult>(List<LaneRequest<TRequest, TResult>> requests, Batch<TRequest, TResult> batch) : IAnswers
{
    public int Count => requests.Count;

    public void Deliver(bool continuesHere)
    {
        for (var i = 0; i < requests.Count; i++)
        {
            batch.TryGetResult(i, out var result);
            requests[i].Complete(result, continuesHere: continuesHere && i == requests.Count - 1);
        }
    }
}
