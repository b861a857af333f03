using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>An account about to be made.</summary>
/// <param name="TemporaryFor">Set if the password is one the service made up: how long it works.</param>
/// <param name="GrantedBy">Who gives the roles; null: the service itself.</param>
/// <param name="EmailVerified">The operator vouches for the address.</param>
internal sealed record NewUser(string Email, string Username, string? DisplayName, string PasswordHash, string[] Roles,
    TimeSpan? TemporaryFor = null, long? GrantedBy = null, bool EmailVerified = false);

/// <summary>What became of it. Without an <paramref name="Id"/> at least one of the names was taken.</summary>
internal sealed record AddedUser(long? Id, DateTimeOffset? TemporaryUntil, bool EmailTaken, bool UsernameTaken);

/// <summary>The one way an account comes into being: registration, administration, bootstrap and command line all end here.</summary>
internal static class AddUser
{
    // Each further attempt needs somebody else to have committed the same name in between.
    private const int MaxAttempts = 3;

    private static readonly SqlFile InsertUser = SqlFile.Read("Features/Users/AddUser.insert_user.sql");

    public static async Task<AddedUser> ExecuteAsync(NpgsqlTransaction transaction, NewUser user, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            await using var command = InsertUser.On(transaction)
                .With(user.Email).With(user.Username).With(user.DisplayName).With(user.PasswordHash)
                .With(user.TemporaryFor).With(user.Roles).With(user.GrantedBy).With(user.EmailVerified);
            await using var row = await command.ExecuteReaderAsync(ct);
            await row.ReadAsync(ct);
            var added = new AddedUser(
                row.IsDBNull(0) ? null : row.GetInt64(0), row.IsDBNull(1) ? null : row.GetFieldValue<DateTimeOffset>(1),
                row.GetBoolean(2), row.GetBoolean(3));
            if (added.Id is not null || added.EmailTaken || added.UsernameTaken || attempt == MaxAttempts) return added;
        }
    }
}
