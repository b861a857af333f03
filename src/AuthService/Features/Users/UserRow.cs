using System.ComponentModel.DataAnnotations;
using AuthService.Client;
using AuthService.Database;
using AuthService.Passwords;

namespace AuthService.Features.Users;

/// <summary>One account of many, as a call or a file brings it: with an <see cref="Id"/> to be changed, else to be made.</summary>
internal sealed record UserRow
{
    public long? Id { get; init; }
    public string? Email { get; init; }
    public string? Username { get; init; }
    public string? DisplayName { get; init; }
    public string? Phone { get; init; }
    public string? AvatarUrl { get; init; }
    public bool IsActive { get; init; } = true;
    public bool EmailVerified { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Null: nobody signs in with a password until one is set.</summary>
    public string? PasswordHash { get; init; }

    /// <summary>Names.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>What is wrong with its form: the rules are those of <see cref="UpdateUserRequest"/>, wherever an account comes from.</summary>
    public RowProblem? Check()
    {
        if (Id is null && string.IsNullOrEmpty(Email)) return new RowProblem(FieldCodes.Required, "email");
        if (Id is null && string.IsNullOrEmpty(Username)) return new RowProblem(FieldCodes.Required, "username");
        if (Id is not null && PasswordHash is not null) return new RowProblem("users.password_not_changed_here", "password_hash");
        if (PasswordHash is not null && !ForeignHash.IsKnown(PasswordHash)) return new RowProblem("passwords.hash_not_known", "password_hash");
        if (DisplayName is not null && !TextNotStorableException.IsStorable(DisplayName)) return new RowProblem(FieldCodes.Format, "display_name");   // half a character
        var wrong = new List<ValidationResult>(0);
        var request = ToRequest();
        if (Validator.TryValidateObject(request, new ValidationContext(request), wrong, validateAllProperties: true)) return null;
        return new RowProblem(wrong[0].ErrorMessage!, WireNames[wrong[0].MemberNames.First()]);
    }

    public UpdateUserRequest ToRequest() => new() { Email = Email, Username = Username, DisplayName = DisplayName, Phone = Phone, AvatarUrl = AvatarUrl };

    private static readonly Dictionary<string, string> WireNames = new(StringComparer.Ordinal)
    {
        [nameof(Email)] = "email",
        [nameof(Username)] = "username",
        [nameof(DisplayName)] = "display_name",
        [nameof(Phone)] = "phone",
        [nameof(AvatarUrl)] = "avatar_url",
    };
}

/// <summary>Why a row was not stored.</summary>
/// <param name="Code">Of docs/errors.md.</param>
/// <param name="Member">At fault, by its name on the wire; null: the row as a whole.</param>
internal readonly record struct RowProblem(string Code, string? Member = null)
{
    public static readonly RowProblem EmailTaken = new(UsersProblems.EmailTaken.Code, "email");
    public static readonly RowProblem UsernameTaken = new(UsersProblems.UsernameTaken.Code, "username");
    public static readonly RowProblem NotFound = new(UsersProblems.NotFound.Code, "id");
}
