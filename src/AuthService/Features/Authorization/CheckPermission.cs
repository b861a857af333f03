using AuthService.Audit;
using AuthService.Client;
using AuthService.Http;

namespace AuthService.Features.Authorization;

/// <summary>Answers "may this account do that?", one question or up to a hundred from one state. Everything but a clear yes is a no.</summary>
internal sealed class CheckPermission(Rights rights, AuditTrail audit)
{
    public async Task<Outcome<CheckResponse>> ExecuteAsync(Caller caller, CheckRequest request, CancellationToken ct)
    {
        var outcome = await ExecuteAsync(caller, [request], ct);
        if (outcome.Failed(out var problem, out var answer)) return problem;
        return new CheckResponse(answer.Results[0], answer.Revision);
    }

    public async Task<Outcome<BatchCheckResponse>> ExecuteAsync(Caller caller, IReadOnlyList<CheckRequest> checks, CancellationToken ct)
    {
        var self = caller.SignedInUserId;
        var asksOthers = checks.Any(c => c.UserId is { } id && id != self);
        long[] subjects = [.. checks.Select(c => c.UserId ?? self).Append(self).Distinct()];
        var loaded = subjects.Length == 1
            ? new Dictionary<long, UserRights> { [self] = await rights.OfAsync(self, ct) }
            : await rights.OfAsync(subjects, ct);
        if (asksOthers && !loaded[self].Allow(OwnPermissions.UsersRead)) return AccessProblems.NotPermitted;

        var results = new bool[checks.Count];
        for (var i = 0; i < results.Length; i++)
        {
            var subject = checks[i].UserId ?? self;
            results[i] = loaded[subject].Allow(checks[i].Permission);
            if (results[i]) continue;
            audit.Record(AuditEvent.Of(AuditTypes.AuthzFail, caller).On("user", subject) with
            {
                Outcome = AuditOutcome.Failure,
                Reason = PermissionName.IsWellFormed(checks[i].Permission) ? checks[i].Permission : "malformed permission",
            });
        }

        return new BatchCheckResponse(results, loaded[self].Revision);
    }
}
