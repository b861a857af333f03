using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>Changes many accounts with one statement.</summary>
internal static class UpdateUsers
{
    // Each further attempt needs somebody else to have committed the same name in between.
    private const int MaxAttempts = 3;

    private static readonly RowProblem Repeated = new("users.named_twice", "id");
    private static readonly SqlFile Update = SqlFile.Read("Features/Users/UpdateUsers.update_users.sql");

    /// <param name="rows">Whose form is right, each with an <see cref="UserRow.Id"/>; at most <see cref="AddUsers.MostRows"/>.</param>
    /// <returns>For each row why it was not stored; null: it was.</returns>
    public static async Task<RowProblem?[]> ExecuteAsync(NpgsqlTransaction transaction, IReadOnlyList<UserRow> rows, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows.Count, AddUsers.MostRows, nameof(rows));
        for (var attempt = 1; ; attempt++)
        {
            const string Before = "before_update";
            await transaction.SaveAsync(Before, ct);
            try
            {
                return await TryAsync(transaction, rows, ct);
            }
            catch (PostgresException e) when (e.ConstraintName is "users_email_key" or "users_username_key" && attempt < MaxAttempts)
            {
                await transaction.RollbackAsync(Before, ct);   // taken since the statement began: now it is seen to be
            }
        }
    }

    private static async Task<RowProblem?[]> TryAsync(NpgsqlTransaction transaction, IReadOnlyList<UserRow> rows, CancellationToken ct)
    {
        await using var command = Update.On(transaction)
            .With(Column(r => r.Id!.Value)).With(Column(r => r.Email)).With(Column(r => r.Username)).With(Column(r => r.DisplayName)).With(Column(r => r.Phone)).With(Column(r => r.AvatarUrl));
        await using var row = await command.ExecuteReaderAsync(ct);
        var problems = new RowProblem?[rows.Count];
        while (await row.ReadAsync(ct))
        {
            problems[row.GetInt64(0) - 1] = row.GetBoolean(2) ? Repeated : row.GetBoolean(3) ? RowProblem.EmailTaken : row.GetBoolean(4) ? RowProblem.UsernameTaken
                : row.GetBoolean(1) ? RowProblem.NotFound : null;
        }

        return problems;

        T[] Column<T>(Func<UserRow, T> member) => [.. rows.Select(member)];
    }
}
