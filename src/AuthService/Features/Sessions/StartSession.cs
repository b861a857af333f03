using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Email;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Tokens;
using Npgsql;
using SolidCache;

namespace AuthService.Features.Sessions;

/// <summary>An account whose owner has just proved who they are.</summary>
/// <param name="Version">Of the account when the proof was checked.</param>
/// <param name="NewPasswordHash">The same password under today's parameters, if it had to be hashed anew.</param>
internal sealed record ProvedIdentity(SignedInUser User, long Version, string[] Amr, string? NewPasswordHash = null, bool PasswordIsTemporary = false)
{
    /// <summary>The account has signed in before, and not provably on this device: where no session of it came from the same network with the same program, its owner is told.</summary>
    public bool DeviceMayBeNew { get; init; }
}

/// <summary>Begins a session: one round trip, one transaction. The session's id and secret are always new; nothing the client sent goes in.</summary>
internal sealed class StartSession(
    NpgsqlDataSource db, RefreshTokens refreshTokens, SessionTokens tokens, Rights rights, Changes changes, SessionOptions options, AuditTrail audit,
    AccountMails mails, JobOptions jobs)
{
    private static readonly SqlFile TouchUser = SqlFile.Beside<StartSession>("touch_user");
    private static readonly SqlFile EndSurplus = SqlFile.Beside<StartSession>("end_surplus");
    private static readonly SqlFile InsertSession = SqlFile.Beside<StartSession>("insert_session");

    /// <returns>Null if the account has changed since its version was read; then the proof has to be looked at again.</returns>
    public async Task<TokenResponse?> ExecuteAsync(ProvedIdentity identity, Caller caller, CancellationToken ct)
    {
        var id = Guid.CreateVersion7();
        var token = refreshTokens.Create(id);
        var userId = identity.User.Id;
        var surplusEnded = AuditEvent.Of(AuditTypes.ExcessSessions, caller) with { ActorType = "user", ActorId = userId, SessionId = id };

        // Asked for while the session goes to the disk. What counts is what they are after that, which is from memory unless they have changed.
        var loading = rights.OfAsync(userId, ct).AsTask();
        var (authTime, surplus) = await InsertAsync(id, token, identity, caller, ct);
        await loading;
        foreach (var ended in surplus) audit.Record(surplusEnded with { TargetType = "session", TargetId = ended.ToString() });
        // Their tokens must be worth nothing by the time the new ones are.
        if (surplus.Count > 0) await changes.WaitForAsync(caller.WithoutReceipt(), [.. surplus.Select(CacheTags.Session)], ct);
        if (authTime is not { } startedAt) return null;
        var may = await rights.OfAsync(userId, ct);
        var subject = new AccessTokenSubject(userId, id, startedAt, identity.Amr, may.Roles, may.Permissions);
        return tokens.Pair(subject, token) with { User = identity.User, PasswordChangeRequired = identity.PasswordIsTemporary };
    }

    private async Task<(DateTimeOffset? AuthTime, List<Guid> Surplus)> InsertAsync(Guid id, RefreshToken token, ProvedIdentity identity, Caller caller, CancellationToken ct)
    {
        var userId = identity.User.Id;
        using var wait = TimeSpent.InDatabase();
        await using var connection = await db.OpenConnectionAsync(ct);
        var notice = mails.NewDevice(userId, caller);
        // A batch is one transaction by itself; each statement in it sees what was committed before that statement began.
        await using var batch = new NpgsqlBatch(connection);
        TouchUser.In(batch).With(userId).With(identity.Version).With(identity.NewPasswordHash);
        EndSurplus.In(batch).With(userId).With(identity.Version).With(options.MaxPerUser - 1);
        InsertSession.In(batch).With(id).With(userId).With(identity.Version).With(refreshTokens.HashOf(token))
            .With(options.IdleTimeout).With(options.AbsoluteTimeout).With(identity.Amr).With(caller.Ip).With(caller.UserAgent)
            .With(identity.DeviceMayBeNew).With(Guid.CreateVersion7()).With(notice.Kind).With(notice.Arguments).With(jobs.MaxTries);

        var surplus = new List<Guid>();
        using var timing = SlowStatements.Time(batch);
        await batch.PrepareAsync(ct);
        await using var reader = await batch.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) surplus.Add(reader.GetGuid(0));
        await reader.NextResultAsync(ct);
        return (await reader.ReadAsync(ct) ? reader.GetFieldValue<DateTimeOffset>(0) : null, surplus);
    }
}
