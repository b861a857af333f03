using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Http;
using SolidCache;

namespace AuthService.Features.Authorization;

/// <summary>What some checks came to.</summary>
/// <param name="Results">In the order of the questions.</param>
/// <param name="Revision">Names a state that the answers are not older than.</param>
/// <param name="Tier">Where they came from, for callers who may know; else null.</param>
internal sealed record CheckAnswers(bool[] Results, string Revision, string? Tier);

/// <summary>Answers "may this account do that?", one question or up to a hundred from one state. Everything but a clear yes is a no.</summary>
internal sealed class CheckPermission(Rights rights, TieredCache cache, AuditTrail audit)
{
    public async ValueTask<Outcome<CheckAnswers>> ExecuteAsync(Caller caller, CheckRequest check, CancellationToken ct)
    {
        if (!await AcceptAsync(check.AtLeast, ct)) return AuthorizationProblems.RevisionNotValid;
        var self = caller.SignedInUserId;
        var subject = check.UserId ?? self;
        if (check.Consistency is not null) await ConfirmAsync([subject, self], ct);

        var kept = rights.OfMemory(subject);
        var held = kept ?? await rights.OfAsync(subject, ct);
        var own = subject == self ? held : await rights.OfAsync(self, ct);
        var mayReadOthers = own.Allow(OwnPermissions.UsersRead);
        if (subject != self && !mayReadOthers) return AccessProblems.NotPermitted;
        return new CheckAnswers([Answer(caller, subject, held, check.Permission)], RevisionOf(subject), !mayReadOthers ? null : kept is null ? Rights.Database : Rights.Memory);
    }

    /// <param name="atLeast">A revision the answers must not be older than, besides those the questions name.</param>
    public async ValueTask<Outcome<CheckAnswers>> ExecuteAsync(Caller caller, IReadOnlyList<CheckRequest> checks, string? atLeast, CancellationToken ct)
    {
        if (!await AcceptAsync(atLeast, ct)) return AuthorizationProblems.RevisionNotValid;
        foreach (var check in checks) if (!await AcceptAsync(check.AtLeast, ct)) return AuthorizationProblems.RevisionNotValid;

        var self = caller.SignedInUserId;
        var asksOthers = checks.Any(c => c.UserId is { } id && id != self);
        long[] subjects = [.. checks.Select(c => c.UserId ?? self).Append(self).Distinct()];
        if (checks.Any(c => c.Consistency is not null)) await ConfirmAsync(subjects, ct);

        var (held, tier) = await rights.OfAsync(subjects, ct);
        var mayReadOthers = held[self].Allow(OwnPermissions.UsersRead);
        if (asksOthers && !mayReadOthers) return AccessProblems.NotPermitted;

        var results = new bool[checks.Count];
        for (var i = 0; i < results.Length; i++)
        {
            var subject = checks[i].UserId ?? self;
            results[i] = Answer(caller, subject, held[subject], checks[i].Permission);
        }

        return new CheckAnswers(results, RevisionOf(subjects.Length == 1 ? self : null), mayReadOthers ? tier : null);
    }

    /// <summary>Makes this node answer from state at least as new as a revision says.</summary>
    /// <returns>False: it is no revision of this installation.</returns>
    public ValueTask<bool> AcceptAsync(string? revision, CancellationToken ct) => revision is null ? new ValueTask<bool>(true) : cache.AcceptAsync(revision, ct);

    /// <summary>A revision that names a state no newer than what this node answers from.</summary>
    /// <param name="userId">Null: of several accounts; then it names the catalogue's alone.</param>
    public string RevisionOf(long? userId) =>
        cache.TokenOf(userId is { } id ? cache.KnownRevision(CacheTags.Catalog, CacheTags.User(id)) : cache.KnownRevision(CacheTags.Catalog));

    private bool Answer(Caller caller, long subject, UserRights held, string permission)
    {
        if (held.Allow(permission)) return true;
        audit.Record(AuditEvent.Of(AuditTypes.AuthzFail, caller).On("user", subject) with
        {
            Outcome = AuditOutcome.Failure,
            Reason = PermissionName.IsWellFormed(permission) ? permission : "malformed permission",
        });
        return false;
    }

    private Task ConfirmAsync(long[] userIds, CancellationToken ct) =>
        cache.ConfirmAsync([.. userIds.Distinct().Select(CacheTags.User), CacheTags.Catalog, CacheTags.AllRights, CacheTags.RolesGroup, CacheTags.Everything], ct);
}
