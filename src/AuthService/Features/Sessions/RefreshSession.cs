using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using AuthService.Tokens;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>
/// Exchanges a refresh token for its successor and a fresh access token.
/// <para>The token is authenticated before any SQL, so a forged one costs no query and can't end anybody's session. The
/// successor is derived from the token, so a caller whose answer got lost gets the same one again, from any node, and a chain
/// never forks. What this database has seen before and moved on from twice is a copy in use: the session ends.</para>
/// </summary>
internal sealed class RefreshSession(
    NpgsqlDataSource db, RefreshTokens refreshTokens, SessionTokens tokens, SessionOptions options, AuditTrail audit)
{
    // The current hash can only be met again if the row changed between two statements; see AfterMissAsync.
    private const int MaxAttempts = 3;

    private static readonly SqlFile Rotate = SqlFile.Beside<RefreshSession>("rotate");
    private static readonly SqlFile FindSession = SqlFile.Beside<RefreshSession>("find_session");
    private static readonly SqlFile EndReused = SqlFile.Beside<RefreshSession>("end_reused");

    public async Task<Outcome<TokenResponse>> ExecuteAsync(string presented, Caller caller, CancellationToken ct)
    {
        if (!refreshTokens.TryRead(presented, out var token)) return SessionsProblems.RefreshTokenNotValid;
        var successor = refreshTokens.Successor(token);

        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            if (await RotateAsync(token, successor, ct) is { } rotated) return Answer(rotated, successor, caller);
            var (found, retry) = await AfterMissAsync(token, caller, ct);
            if (found is { } previous) return Answer(previous, successor, caller);
            if (!retry) break;
        }

        return SessionsProblems.RefreshTokenNotValid;
    }

    private TokenResponse Answer(in AccessTokenSubject subject, in RefreshToken successor, Caller caller)
    {
        audit.Record(AuditEvent.Of(AuditTypes.SessionRenewed, caller) with { ActorType = "user", ActorId = subject.UserId, SessionId = subject.SessionId });
        return tokens.Pair(subject, successor);
    }

    private async Task<AccessTokenSubject?> RotateAsync(RefreshToken token, RefreshToken successor, CancellationToken ct)
    {
        await using var command = Rotate.On(db).With(token.SessionId)
            .With(refreshTokens.HashOf(token)).With(refreshTokens.HashOf(successor)).With(options.IdleTimeout);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? Subject(token.SessionId, row) : null;
    }

    /// <summary>The rotation found no row: an answer that got lost, a copy in use, or simply no session any more.</summary>
    private async Task<(AccessTokenSubject? Subject, bool Retry)> AfterMissAsync(RefreshToken token, Caller caller, CancellationToken ct)
    {
        bool isReuse;
        await using (var command = FindSession.On(db).With(token.SessionId).With(refreshTokens.HashOf(token)).With(options.RefreshGrace))
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            if (!await row.ReadAsync(ct)) return default;
            int gen = row.GetInt32(5);
            bool lives = row.GetBoolean(6), isCurrent = row.GetBoolean(7), isPrevious = row.GetBoolean(8), inGrace = row.GetBoolean(9);
            if (!lives) return default;
            if (isCurrent) return (null, Retry: true);   // e.g. reactivated between the two statements
            if (isPrevious && inGrace) return (Subject(token.SessionId, row), Retry: false);

            // A generation this database has not reached means that it lost a commit (fail-over to a lagging standby), not a theft.
            isReuse = token.Generation < gen;
        }

        if (isReuse) await EndReusedAsync(token, caller, ct);
        return default;
    }

    private async Task EndReusedAsync(RefreshToken token, Caller caller, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var command = EndReused.On(transaction).With(token.SessionId);
        if (await command.ExecuteScalarAsync(ct) is not long userId) return;   // another caller has just ended it
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.TokenReuse, caller) with
        {
            TargetType = "user",
            TargetId = userId.ToString(System.Globalization.CultureInfo.InvariantCulture),
            SessionId = token.SessionId,
            Outcome = AuditOutcome.Failure,
        }, ct);
        await transaction.CommitAsync(ct);
    }

    private static AccessTokenSubject Subject(Guid sessionId, NpgsqlDataReader row) => new(
        row.GetInt64(0), sessionId, row.GetFieldValue<DateTimeOffset>(1), row.GetFieldValue<string[]>(2),
        row.GetFieldValue<string[]>(3), row.GetFieldValue<string[]>(4));
}
