using System.Globalization;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Audit;

/// <summary>
/// Lets go the months before an instant, and remembers, authenticated, where the chain begins from then on: what goes this way is no finding of
/// <see cref="VerifyTrail"/>, and what goes in any other way is.
/// </summary>
internal sealed class ForgetEvents(NpgsqlDataSource db, AuditSeals seals)
{
    private const int BatchSize = 10_000;

    private static readonly SqlFile LockChain = SqlFile.Beside<ForgetEvents>("lock_chain");
    private static readonly SqlFile DropMonths = SqlFile.Beside<ForgetEvents>("drop_months");
    private static readonly SqlFile FindFirst = SqlFile.Beside<ForgetEvents>("find_first");
    private static readonly SqlFile MoveFirst = SqlFile.Beside<ForgetEvents>("move_first");
    private static readonly SqlFile DeleteSeals = SqlFile.Beside<ForgetEvents>("delete_seals");

    /// <param name="before">The first instant of a month, in UTC.</param>
    /// <returns>Months that were dropped, and seals that went with them.</returns>
    public async Task<(int Months, long Seals)> ExecuteAsync(DateTimeOffset before, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        int months;
        await using (var transaction = await connection.BeginTransactionAsync(ct))
        {
            var (keptSince, first) = await LockAsync(transaction, ct);
            if (before <= keptSince) return (0, 0);
            await using (var drop = DropMonths.On(transaction).With(before.UtcDateTime))
            {
                drop.TimeoutSeconds = 0;
                months = (int)(await drop.ExecuteScalarAsync(ct))!;
            }

            if (await FindAsync(transaction, first, before, ct) is not { } next) return (0, 0);   // leaving it takes the dropping back
            await using (var move = MoveFirst.On(transaction).With(next.Number).With(next.Hash).With(before.UtcDateTime).With(seals.MacOfFirst(next.Number, next.Hash, before)))
                await move.ExecuteNonQueryAsync(ct);
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.AuditForgotten, Caller.CommandLine) with
            {
                Reason = string.Create(CultureInfo.InvariantCulture, $"before {before:yyyy-MM}"),
            }, ct);
            await transaction.CommitAsync(ct);
        }

        long gone = 0;
        for (int rows = BatchSize; rows == BatchSize; gone += rows)
        {
            await using var delete = DeleteSeals.On(connection).With(BatchSize);
            rows = await delete.ExecuteNonQueryAsync(ct);
        }

        return (months, gone);
    }

    private static async Task<(DateTimeOffset KeptSince, long First)> LockAsync(NpgsqlTransaction transaction, CancellationToken ct)
    {
        await using var command = LockChain.On(transaction);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        return (row.GetFieldValue<DateTime>(0) is var since && since == DateTime.MinValue ? DateTimeOffset.MinValue : new DateTimeOffset(since), row.GetInt64(1));
    }

    private static async Task<(long Number, byte[] Hash)?> FindAsync(NpgsqlTransaction transaction, long after, DateTimeOffset before, CancellationToken ct)
    {
        await using var command = FindFirst.On(transaction).With(after).With(before.UtcDateTime);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? (row.GetInt64(0), row.GetFieldValue<byte[]>(1)) : null;
    }
}
