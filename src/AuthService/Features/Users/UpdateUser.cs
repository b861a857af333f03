using System.Text.Json;
using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Changes what an account says of itself: one's own, or another's that holds no more rights than the caller.</summary>
internal sealed class UpdateUser(Changes changes)
{
    private static readonly SqlFile Update = SqlFile.Beside<UpdateUser>("update_user");

    /// <summary>The caller's own profile. The address is not part of it: a new one has to be shown to be the caller's first.</summary>
    public Task<Outcome<VersionedUser>> OwnAsync(Caller caller, UpdateProfileRequest request, IfMatch ifMatch, CancellationToken ct) =>
        ExecuteAsync(caller, caller.SignedInUserId, ifMatch, new UpdateUserRequest
        {
            Username = request.Username,
            DisplayName = request.DisplayName,
            Phone = request.Phone,
            AvatarUrl = request.AvatarUrl,
        }, ct);

    public Task<Outcome<VersionedUser>> ExecuteAsync(Caller caller, long id, IfMatch ifMatch, UpdateUserRequest request, CancellationToken ct) => changes.RunAsync<VersionedUser>(caller, [CacheTags.Profile(id)], async transaction =>
    {
        if (await Authority.OverUserAsync(transaction, caller.UserId, id, ct) is { } exceeds) return exceeds;

        await using (var update = Update.On(transaction).With(id).With(ifMatch.Version).With(request.Email).With(request.Username)
            .With(request.DisplayName).With(request.Phone).With(request.AvatarUrl))
        {
            try
            {
                if (await update.ExecuteScalarAsync(ct) is null) return await MissingOrChangedAsync(transaction, id, ct);
            }
            catch (PostgresException e) when (e.ConstraintName == "users_email_key")
            {
                return UsersProblems.EmailTaken;
            }
            catch (PostgresException e) when (e.ConstraintName == "users_username_key")
            {
                return UsersProblems.UsernameTaken;
            }
        }

        await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserUpdated, caller).On("user", id) with { Diff = Changed(request) }, ct);
        var outcome = await GetUser.InAsync(transaction, id, ct);
        return outcome;
    }, ct);

    private static async Task<Problem> MissingOrChangedAsync(NpgsqlTransaction transaction, long id, CancellationToken ct) =>
        (await GetUser.InAsync(transaction, id, ct)).Failed(out var missing, out _) ? missing : HttpProblems.PreconditionFailed;

    /// <summary>Which members were set. Not to what: the trail outlives the account and holds no personal data.</summary>
    public static string Changed(UpdateUserRequest request)
    {
        var names = new List<string>();
        if (request.Email is not null) names.Add("email");
        if (request.Username is not null) names.Add("username");
        if (request.DisplayName is not null) names.Add("display_name");
        if (request.Phone is not null) names.Add("phone");
        if (request.AvatarUrl is not null) names.Add("avatar_url");
        return JsonSerializer.Serialize(new Dictionary<string, List<string>>(StringComparer.Ordinal) { ["changed"] = names });
    }
}
