using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Makes many accounts with one statement. What one row of a thousand does wrong keeps no other out.</summary>
internal static class AddUsers
{
    /// <summary>Rows a statement. Up to here the cache makes each account's rights invalid by itself; above, it would forget everybody's.</summary>
    public const int MostRows = 1_000;

    /// <summary>What stands where a password's hash would: no text is its password, and to check one against it costs what any check costs.</summary>
    public const string NoPassword = "none";

    // Each further attempt needs somebody else to have committed the same name in between.
    private const int MaxAttempts = 3;

    private static readonly SqlFile InsertUsers = SqlFile.Read("Features/Users/AddUsers.insert_users.sql");

    /// <param name="rows">Whose form is right; at most <see cref="MostRows"/>.</param>
    /// <param name="grantedBy">Who gives the roles; null: the service itself.</param>
    /// <returns>For each row the number of its account, or why there is none.</returns>
    public static async Task<(long? Id, RowProblem Problem)[]> ExecuteAsync(NpgsqlTransaction transaction, IReadOnlyList<UserRow> rows, long? grantedBy, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows.Count, MostRows, nameof(rows));
        var results = new (long? Id, RowProblem Problem)[rows.Count];
        int[] left = [.. Enumerable.Range(0, rows.Count)];
        for (var attempt = 1; left.Length > 0; attempt++)
        {
            var undecided = new List<int>();
            await using var command = InsertUsers.On(transaction)
                .With(Column(r => r.Email)).With(Column(r => r.Username)).With(Column(r => Set(r.DisplayName))).With(Column(r => Set(r.Phone))).With(Column(r => Set(r.AvatarUrl)))
                .With(Column(r => r.PasswordHash ?? NoPassword)).With(Column(r => r.IsActive)).With(Column(r => r.EmailVerified))
                .With(Column(r => r.CreatedAt?.ToUniversalTime())).With(Column(r => string.Join(',', r.Roles))).With(grantedBy);
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                var i = left[row.GetInt64(0) - 1];
                if (!row.IsDBNull(1)) results[i] = (row.GetInt64(1), default);
                else if (row.GetBoolean(2)) results[i] = (null, RowProblem.EmailTaken);
                else if (row.GetBoolean(3) || attempt == MaxAttempts) results[i] = (null, RowProblem.UsernameTaken);
                else undecided.Add(i);
            }

            T[] Column<T>(Func<UserRow, T> member) => Array.ConvertAll(left, i => member(rows[i]));
            left = [.. undecided];
        }

        return results;

        static string? Set(string? text) => string.IsNullOrEmpty(text) ? null : text;
    }
}
