using AuthService.Audit;
using AuthService.Caching;
using AuthService.Features.Authorization;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Tokens;
using Microsoft.Extensions.Primitives;

namespace AuthService.Features.AccessControl;

/// <summary>
/// Decides for every request whether its endpoint may run: token, live session, permission, in this order. Never trusts the
/// roles and permissions inside the token. A route without an access rule does not run.
/// </summary>
internal sealed class AccessEnforcement(RequestDelegate next, VerifiedTokens tokens, LiveSessions sessions, Rights rights, Changes changes, AuditTrail audit)
{
    private const string Scheme = "Bearer ";

    public Task InvokeAsync(HttpContext context)
    {
        var endpoint = context.GetEndpoint();
        // No endpoint: 404. Not a route: the framework's own 405 or 415.
        if (endpoint is not RouteEndpoint) return next(context);
        var access = endpoint.Metadata.GetMetadata<Access>()
            ?? throw new InvalidOperationException($"Route '{endpoint.DisplayName}' states no access rule.");
        return access.NeedsSession ? CheckAsync(context, endpoint, access) : next(context);
    }

    private async Task CheckAsync(HttpContext context, Endpoint endpoint, Access access)
    {
        var ct = context.RequestAborted;
        if (Token(context.Request.Headers, out var presented) is { } malformed) { await malformed.ToHttp().ExecuteAsync(context); return; }

        // One answer, whichever step fails.
        var claims = await tokens.VerifyAsync(presented, ct);
        if (claims is null || await sessions.FindAsync(claims.SessionId, ct) is not { } session || session.UserId != claims.UserId)
        {
            // A log-out asked for again, perhaps: whoever ended the session may have died between its commit and its wait.
            if (claims is not null && endpoint.Metadata.GetMetadata<NodesWaitedFor>() is not null)
                await changes.WaitForAsync(Caller.Anonymous(context).WithoutReceipt(), [CacheTags.Session(claims.SessionId), CacheTags.User(claims.UserId)], ct);
            await AccessProblems.TokenNotValid.ToHttp().ExecuteAsync(context);
            return;
        }

        var caller = Caller.Anonymous(context) with { UserId = session.UserId, SessionId = claims.SessionId, AuthTime = session.AuthTime };
        if (session.PasswordIsTemporary && !access.BeforePasswordChange)
        {
            await AccessProblems.PasswordChangeRequired.ToHttp().ExecuteAsync(context);
            return;
        }

        if (access.Permission is { } permission && !(await rights.OfAsync(session.UserId, ct)).Allow(permission))
        {
            audit.Record(AuditEvent.Of(AuditTypes.AuthzFail, caller) with { Outcome = AuditOutcome.Failure, TargetType = "permission", TargetId = permission });
            await AccessProblems.NotPermitted.ToHttp().ExecuteAsync(context);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";   // an answer to one caller; routes that may be cached say so
        context.Features.Set(caller);
        await next(context);
    }

    /// <summary>The one bearer token of the request. Anything else in these headers is refused, never guessed at.</summary>
    private static Problem? Token(IHeaderDictionary headers, out ReadOnlyMemory<char> token)
    {
        token = default;
        StringValues authorization = headers.Authorization, apiKey = headers["X-API-Key"];
        if (authorization.Count > 0 && apiKey.Count > 0) return HttpProblems.ConflictingCredentials;
        if (authorization.Count != 1 || authorization[0] is not { } value) return AccessProblems.NoToken;
        if (!value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return AccessProblems.NoToken;
        token = value.AsMemory(Scheme.Length);
        return token.Length == 0 ? AccessProblems.NoToken : null;
    }
}
