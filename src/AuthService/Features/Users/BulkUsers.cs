using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Features.Authorization;
using AuthService.Features.Roles;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Makes and changes up to ten thousand accounts in one transaction: three statements for each thousand, and one wait for the other nodes.</summary>
internal sealed class BulkUsers(Changes changes)
{
    /// <summary>Body of such a call: ten thousand accounts that say something of themselves.</summary>
    public const int MaxBodyBytes = 16 * 1024 * 1024;

    private const int MostErrors = 100;   // of a refusal of all
    private static readonly RowProblem Exceeds = new(Authority.ExceedsOwnRights.Code, "id");

    public Task<Outcome<BulkUsersResponse>> ExecuteAsync(BulkUsersRequest request, Caller caller, CancellationToken ct) => changes.RunAsync<BulkUsersResponse>(caller, [], async transaction =>
    {
        UserRow[] rows = [.. request.Users.Select(RowOf)];
        var results = Array.ConvertAll(rows, row => row.Check() is { } wrong ? Failed(wrong) : null);
        foreach (var some in Enumerable.Range(0, rows.Length).Where(i => results[i] is null && rows[i].Id is null).Chunk(AddUsers.MostRows))
        {
            if (await AddAsync(transaction, rows, results, some, caller, ct) is { } exceeds) return exceeds;
        }

        foreach (var some in Enumerable.Range(0, rows.Length).Where(i => results[i] is null && rows[i].Id is not null).Chunk(AddUsers.MostRows))
            await UpdateAsync(transaction, rows, results, some, caller, ct);

        if (request.AllOrNothing == true && Array.Exists(results, r => r!.Status == BulkStatus.Failed)) return NothingStored(results!);
        return new BulkUsersResponse
        {
            Created = results.Count(r => r!.Status == BulkStatus.Created),
            Updated = results.Count(r => r!.Status == BulkStatus.Updated),
            Failed = results.Count(r => r!.Status == BulkStatus.Failed),
            Results = results!,
        };
    }, ct);

    private static async Task<Problem?> AddAsync(NpgsqlTransaction transaction, UserRow[] rows, BulkResult?[] results, int[] some, Caller caller, CancellationToken ct)
    {
        var added = await AddUsers.ExecuteAsync(transaction, Array.ConvertAll(some, i => rows[i]), caller.UserId, ct);
        for (var k = 0; k < some.Length; k++)
            results[some[k]] = added[k].Id is { } id ? new BulkResult { Status = BulkStatus.Created, Id = id } : Failed(added[k].Problem);

        long[] ids = [.. added.Where(a => a.Id is not null).Select(a => a.Id!.Value)];
        // Whoever makes an account may know its password, so its rights are theirs. All have the same roles.
        if (ids.Length > 0 && await Authority.OverUserAsync(transaction, caller.UserId, ids[0], ct) is { } exceeds) return exceeds;
        await AuditTrail.AppendAllAsync(transaction, Array.ConvertAll(ids, id => AuditEvent.Of(AuditTypes.UserCreated, caller).On("user", id)), ct);
        return null;
    }

    private static async Task UpdateAsync(NpgsqlTransaction transaction, UserRow[] rows, BulkResult?[] results, int[] some, Caller caller, CancellationToken ct)
    {
        var exceeding = await Authority.ExceedingAsync(transaction, caller.UserId, Array.ConvertAll(some, i => rows[i].Id!.Value), ct);
        foreach (var i in some) if (exceeding.Contains(rows[i].Id!.Value)) results[i] = Failed(Exceeds);

        int[] allowed = [.. some.Where(i => results[i] is null)];
        if (allowed.Length == 0) return;
        var problems = await UpdateUsers.ExecuteAsync(transaction, Array.ConvertAll(allowed, i => rows[i]), ct);
        var events = new List<AuditEvent>(allowed.Length);
        for (var k = 0; k < allowed.Length; k++)
        {
            var row = rows[allowed[k]];
            results[allowed[k]] = problems[k] is { } problem ? Failed(problem) : new BulkResult { Status = BulkStatus.Updated, Id = row.Id };
            if (problems[k] is null) events.Add(AuditEvent.Of(AuditTypes.UserUpdated, caller).On("user", row.Id!.Value) with { Diff = UpdateUser.Changed(row.ToRequest()) });
        }

        await AuditTrail.AppendAllAsync(transaction, [.. events], ct);
    }

    private static UserRow RowOf(BulkUser user) => new()
    {
        Id = user.Id,
        Email = user.Email,
        Username = user.Username,
        DisplayName = user.DisplayName,
        Phone = user.Phone,
        AvatarUrl = user.AvatarUrl,
        PasswordHash = user.PasswordHash,
        // Whoever may make accounts may not thereby grant roles.
        Roles = [SystemRoles.Everyone],
    };

    private static BulkResult Failed(RowProblem problem) => new() { Status = BulkStatus.Failed, Code = problem.Code, Member = problem.Member };

    private static Problem NothingStored(BulkResult[] results) => UsersProblems.NothingStored with
    {
        Errors = [.. results.Index().Where(r => r.Item.Status == BulkStatus.Failed).Take(MostErrors).Select(r =>
            new FieldError($"/users/{r.Index}" + (r.Item.Member is null ? "" : "/" + r.Item.Member), r.Item.Code!, "Not stored, nor was any other."))],
    };
}
