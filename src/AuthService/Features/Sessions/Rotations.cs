using System.Security.Cryptography;
using AuthService.Caching;
using AuthService.Database;
using Npgsql;
using SolidCache.Lanes;

namespace AuthService.Features.Sessions;

/// <summary>A session about to move from one secret to the next.</summary>
internal sealed record Rotation(Guid SessionId, byte[] PresentedHash, byte[] NextHash);

/// <summary>A session as a rotation left or found it.</summary>
internal sealed record RotatedSession(long UserId, DateTimeOffset AuthTime, string[] Amr);

/// <summary>Rotates sessions: those of all who refresh at the same moment in one statement.</summary>
internal sealed class Rotations(LaneSet lanes, NpgsqlDataSource db, SessionOptions options)
{
    private static readonly SqlFile Rotate = SqlFile.Beside<RefreshSession>("rotate");
    private static readonly SqlFile RotateWaiting = Rotate.Fill("wait", "");

    /// <summary>The statement of <see cref="RotateAloneAsync"/>.</summary>
    internal static SqlFile Alone => RotateWaiting;

    private readonly BatchedCall<Rotation, RotatedSession?> _together = lanes.Add(new RotateTogether(options));

    /// <returns>Null: the secret is not the current one, the session has ended, or somebody holds its row.</returns>
    public async Task<RotatedSession?> RotateAsync(Rotation rotation, CancellationToken ct)
    {
        using var wait = TimeSpent.InDatabase();
        return await _together.ExecuteAsync(rotation, ct);
    }

    /// <summary>Alone, and waits for whoever holds the row.</summary>
    /// <returns>Null: the secret is not the current one, or the session has ended.</returns>
    public async Task<RotatedSession?> RotateAloneAsync(Rotation rotation, CancellationToken ct)
    {
        await using var command = RotateWaiting.On(db)
            .With<Guid[]>([rotation.SessionId]).With<byte[][]>([rotation.PresentedHash]).With<byte[][]>([rotation.NextHash]).With(options.IdleTimeout);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Read(row) : null;
    }

    private static RotatedSession Read(NpgsqlDataReader row) => new(row.GetInt64(2), row.GetFieldValue<DateTimeOffset>(3), row.GetFieldValue<string[]>(4));

    private sealed class RotateTogether(SessionOptions options) : BatchedStatement<Rotation, RotatedSession?>
    {
        public override string Name => "sessions.rotate";
        public override string Sql => Rotate.Text;

        /// <summary>Done twice, the second finds nothing to rotate, and the caller is answered as one whose answer got lost.</summary>
        public override bool IsRepeatable => true;

        /// <summary>All on one lane: large batches cost less than many (docs/decisions/0017), and calls with one token meet in one, rather than at the row's lock.</summary>
        public override long? Affinity(Rotation request) => 0;

        public override NpgsqlParameter[] CreateParameters() =>
            [new NpgsqlParameter<Guid[]>(), new NpgsqlParameter<byte[][]>(), new NpgsqlParameter<byte[][]>(), new NpgsqlParameter<TimeSpan>()];

        public override void Bind(Batch<Rotation, RotatedSession?> batch, NpgsqlParameter[] parameters)
        {
            batch.State = new AskersById<Guid>([.. batch.Requests.Select(r => r.SessionId)]);
            ((NpgsqlParameter<Guid[]>)parameters[0]).TypedValue = [.. batch.Requests.Select(r => r.SessionId)];
            ((NpgsqlParameter<byte[][]>)parameters[1]).TypedValue = [.. batch.Requests.Select(r => r.PresentedHash)];
            ((NpgsqlParameter<byte[][]>)parameters[2]).TypedValue = [.. batch.Requests.Select(r => r.NextHash)];
            ((NpgsqlParameter<TimeSpan>)parameters[3]).TypedValue = options.IdleTimeout;
        }

        public override void Read(NpgsqlDataReader row, Batch<Rotation, RotatedSession?> batch)
        {
            var askers = (AskersById<Guid>)batch.State!;
            var (id, presented, rotated) = (row.GetGuid(0), row.GetFieldValue<byte[]>(1), Rotations.Read(row));
            for (var i = askers.Last(id); i >= 0; i = askers.Before(i))
            {
                // Of two with different tokens one has the current one. Those with the same get the same successor, as if they had come a moment
                // later; without a grace for such only one of them is let through.
                if (!CryptographicOperations.FixedTimeEquals(batch.Requests[i].PresentedHash, presented)) continue;
                batch.SetResult(i, rotated);
                if (options.RefreshGrace == TimeSpan.Zero) break;
            }
        }

        public override RotatedSession? WithoutRow(int index, Batch<Rotation, RotatedSession?> batch) => null;
    }
}
