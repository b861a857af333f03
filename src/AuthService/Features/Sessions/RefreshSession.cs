using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;
using AuthService.Throttling;
using AuthService.Tokens;
using Npgsql;

namespace AuthService.Features.Sessions;

/// <summary>
/// Exchanges a refresh token for its successor and a fresh access token.
/// <para>The token is authenticated before any SQL, so a forged one costs no query and can't end anybody's session. The
/// successor is derived from the token, so a caller whose answer got lost gets the same one again, from any node, and a chain
/// never forks. What this database has seen before and moved on from twice is a copy in use: the session ends.</para>
/// <para>In steady state that is one statement, shared with all who refresh at the moment; rights come from memory.</para>
/// </summary>
internal sealed class RefreshSession(
    NpgsqlDataSource db, Rotations rotations, RefreshTokens refreshTokens, SessionTokens tokens, Rights rights, Changes changes, RateLimits limits, SessionOptions options, AuditTrail audit)
{
    // The current hash can only be met again if the row was held by somebody, or changed between two statements; see AfterMissAsync.
    private const int MaxAttempts = 3;

    private static readonly SqlFile FindSession = SqlFile.Beside<RefreshSession>("find_session");
    private static readonly SqlFile EndReused = SqlFile.Beside<RefreshSession>("end_reused");

    public async Task<Outcome<TokenResponse>> ExecuteAsync(string presented, Caller caller, CancellationToken ct)
    {
        if (!refreshTokens.TryRead(presented, out var token)) return await limits.RefreshFailedAsync(SessionsProblems.RefreshTokenNotValid, caller);
        if (limits.CountRefresh(token.SessionId, caller) is { } tooOften) return tooOften;
        var successor = refreshTokens.Successor(token);
        var rotation = new Rotation(token.SessionId, refreshTokens.HashOf(token), refreshTokens.HashOf(successor));

        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            var rotated = attempt == 0 ? await rotations.RotateAsync(rotation, ct) : await rotations.RotateAloneAsync(rotation, ct);
            if (rotated is not null) return await AnswerAsync(rotated, successor, caller, ct);
            var (found, retry) = await AfterMissAsync(token, rotation, caller, ct);
            if (found is not null) return await AnswerAsync(found, successor, caller, ct);
            if (!retry) break;
        }

        return await limits.RefreshFailedAsync(SessionsProblems.RefreshTokenNotValid, caller);
    }

    private async ValueTask<TokenResponse> AnswerAsync(RotatedSession session, RefreshToken successor, Caller caller, CancellationToken ct)
    {
        audit.Record(AuditEvent.Of(AuditTypes.SessionRenewed, caller) with { ActorType = "user", ActorId = session.UserId, SessionId = successor.SessionId });
        var may = await rights.OfAsync(session.UserId, ct);
        return tokens.Pair(new AccessTokenSubject(session.UserId, successor.SessionId, session.AuthTime, session.Amr, may.Roles, may.Permissions), successor);
    }

    /// <summary>The rotation found no row: an answer that got lost, a copy in use, or simply no session any more.</summary>
    private async Task<(RotatedSession? Session, bool Retry)> AfterMissAsync(RefreshToken token, Rotation rotation, Caller caller, CancellationToken ct)
    {
        bool lives, isReuse;
        long userId;
        await using (var command = FindSession.On(db).With(token.SessionId).With(rotation.PresentedHash).With(options.RefreshGrace))
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            if (!await row.ReadAsync(ct)) return default;
            (userId, lives) = (row.GetInt64(0), row.GetBoolean(4));
            bool isCurrent = row.GetBoolean(5), isPrevious = row.GetBoolean(6), inGrace = row.GetBoolean(7);
            if (lives && isCurrent) return (null, Retry: true);   // somebody held the row, or the account was activated between the two statements
            if (lives && isPrevious && inGrace) return (new RotatedSession(userId, row.GetFieldValue<DateTimeOffset>(1), row.GetFieldValue<string[]>(2)), Retry: false);

            // A generation this database has not reached means that it lost a commit (fail-over to a lagging standby), not a theft.
            isReuse = lives && token.Generation < row.GetInt32(3);
        }

        if (!lives)
        {
            audit.Record(AuditEvent.Of(AuditTypes.SessionUseAfterExpire, caller).On("user", userId) with { SessionId = token.SessionId, Outcome = AuditOutcome.Failure });
        }

        // Whoever ended it may have died between its commit and its wait: then this 401 waits in its place.
        if (!lives) await changes.WaitForAsync(caller.WithoutReceipt(), [CacheTags.Session(token.SessionId), CacheTags.User(userId)], ct);
        if (isReuse) await EndReusedAsync(token, caller, ct);
        return default;
    }

    /// <summary>Also when another caller has just ended it: the 401 that follows says that nobody accepts its tokens any more.</summary>
    private Task<Problem?> EndReusedAsync(RefreshToken token, Caller caller, CancellationToken ct) => changes.RunAsync(caller.WithoutReceipt(), [CacheTags.Session(token.SessionId)], async transaction =>
    {
        await using var command = EndReused.On(transaction).With(token.SessionId);
        if (await command.ExecuteScalarAsync(ct) is not long userId) return null;
        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.TokenReuse, caller) with
        {
            TargetType = "user",
            TargetId = userId.ToString(System.Globalization.CultureInfo.InvariantCulture),
            SessionId = token.SessionId,
            Outcome = AuditOutcome.Failure,
        }, ct);
        return null;
    }, ct);
}
