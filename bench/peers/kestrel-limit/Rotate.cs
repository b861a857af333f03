using Npgsql;
using SolidCache.Lanes;

namespace KestrelLimit;

internal sealed record Rotation(Guid SessionId, byte[] NextHash);

/// <summary>
/// Moves the rows of all who refresh at the moment to their next secrets: what the service's statement writes (RefreshSession.rotate.sql), without its
/// conditions, its locks and its look at the account.
/// </summary>
internal sealed class Rotate : BatchedStatement<Rotation, bool>
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromDays(14);

    public override string Name => "limit.rotate";

    public override string Sql => """
        UPDATE /* Limit/Rotate */ sessions s
        SET    prev_hash = s.cur_hash, cur_hash = asked.next_hash, gen = s.gen + 1, rotated_at = now(),
               idle_expires_at = least(now() + $3::interval, s.absolute_expires_at)
        FROM   unnest($1::uuid[], $2::bytea[]) WITH ORDINALITY AS asked (id, next_hash, nr)
        WHERE  s.id = asked.id
        RETURNING asked.nr
        """;

    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<Guid[]>(), new NpgsqlParameter<byte[][]>(), new NpgsqlParameter<TimeSpan>()];

    public override void Bind(Batch<Rotation, bool> batch, NpgsqlParameter[] parameters)
    {
        ((NpgsqlParameter<Guid[]>)parameters[0]).TypedValue = [.. batch.Requests.Select(r => r.SessionId)];
        ((NpgsqlParameter<byte[][]>)parameters[1]).TypedValue = [.. batch.Requests.Select(r => r.NextHash)];
        ((NpgsqlParameter<TimeSpan>)parameters[2]).TypedValue = IdleTimeout;
    }

    public override void Read(NpgsqlDataReader row, Batch<Rotation, bool> batch) => batch.SetResult((int)row.GetInt64(0) - 1, true);

    public override bool WithoutRow(int index, Batch<Rotation, bool> batch) => false;
}
