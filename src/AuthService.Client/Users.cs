using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>One account in a list.</summary>
public sealed record UserSummary
{
    /// <summary>Number of the account.</summary>
    public required long Id { get; init; }

    /// <summary>Address it signs in with.</summary>
    public required string Email { get; init; }

    /// <summary>Public name.</summary>
    public required string Username { get; init; }

    /// <summary>Name to show, if set.</summary>
    public string? DisplayName { get; init; }

    /// <summary>False: can't sign in, has no session and no rights.</summary>
    public required bool IsActive { get; init; }

    /// <summary>Whether the address was shown to be the account's own.</summary>
    public required bool EmailVerified { get; init; }

    /// <summary>When the account was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed; log-in changes nothing.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it last signed in, if ever.</summary>
    public DateTimeOffset? LastLoginAt { get; init; }
}

/// <summary>One account with its rights.</summary>
public sealed record UserDetail
{
    /// <summary>Number of the account.</summary>
    public required long Id { get; init; }

    /// <summary>Address it signs in with.</summary>
    public required string Email { get; init; }

    /// <summary>Public name.</summary>
    public required string Username { get; init; }

    /// <summary>Name to show, if set.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Telephone number, if set.</summary>
    public string? Phone { get; init; }

    /// <summary>Address of a picture, if set.</summary>
    public string? AvatarUrl { get; init; }

    /// <summary>False: can't sign in, has no session and no rights.</summary>
    public required bool IsActive { get; init; }

    /// <summary>Whether the address was shown to be the account's own.</summary>
    public required bool EmailVerified { get; init; }

    /// <summary>When the account was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed; log-in changes nothing.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it last signed in, if ever.</summary>
    public DateTimeOffset? LastLoginAt { get; init; }

    /// <summary>Names of the roles held; empty for an inactive account.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Permissions that follow from the roles, as <c>resource:action</c>; empty for an inactive account.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }
}

/// <summary>One account in an export.</summary>
public sealed record ExportedUser
{
    /// <summary>Number of the account.</summary>
    public required long Id { get; init; }

    /// <summary>Address it signs in with.</summary>
    public required string Email { get; init; }

    /// <summary>Public name.</summary>
    public required string Username { get; init; }

    /// <summary>Name to show, if set.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Telephone number, if set.</summary>
    public string? Phone { get; init; }

    /// <summary>Address of a picture, if set.</summary>
    public string? AvatarUrl { get; init; }

    /// <summary>False: can't sign in, has no session and no rights.</summary>
    public required bool IsActive { get; init; }

    /// <summary>Whether the address was shown to be the account's own.</summary>
    public required bool EmailVerified { get; init; }

    /// <summary>When the account was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed; log-in changes nothing.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it last signed in, if ever.</summary>
    public DateTimeOffset? LastLoginAt { get; init; }

    /// <summary>Names of the roles granted, also to an inactive account.</summary>
    public required IReadOnlyList<string> Roles { get; init; }
}

/// <summary>Body of <c>PATCH /api/v1/users/profile</c>. A member that is absent or null stays as it is; an empty text clears it.</summary>
public sealed record UpdateProfileRequest
{
    /// <summary>2 to 64 letters, digits, <c>. _ -</c>. Can't be cleared.</summary>
    [StringLength(64, MinimumLength = 2, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Username, ErrorMessage = FieldCodes.Format)]
    public string? Username { get; init; }

    /// <summary>Up to 200 characters.</summary>
    [StringLength(200, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? DisplayName { get; init; }

    /// <summary>Up to 32 digits, spaces and <c>+ ( ) . / -</c>.</summary>
    [StringLength(32, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Phone, ErrorMessage = FieldCodes.Format)]
    public string? Phone { get; init; }

    /// <summary>An https address of up to 2,048 characters.</summary>
    [StringLength(2048, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.HttpsUrl, ErrorMessage = FieldCodes.Format)]
    public string? AvatarUrl { get; init; }
}

/// <summary>Body of <c>POST /api/v1/users</c>.</summary>
public sealed record CreateUserRequest
{
    /// <summary>Address to sign in with; 3 to 254 characters.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(254, MinimumLength = 3, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Email, ErrorMessage = FieldCodes.Format)]
    public string Email { get; init; } = "";

    /// <summary>2 to 64 letters, digits, <c>. _ -</c>.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(64, MinimumLength = 2, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Username, ErrorMessage = FieldCodes.Format)]
    public string Username { get; init; } = "";

    /// <summary>Up to 200 characters.</summary>
    [StringLength(200, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? DisplayName { get; init; }
}

/// <summary>The account made by an administrator.</summary>
public sealed record CreatedUser
{
    /// <summary>Number of the account.</summary>
    public required long Id { get; init; }

    /// <summary>Shown this once. Its owner signs in with it and must change it before anything else.</summary>
    public required string TemporaryPassword { get; init; }

    /// <summary>Until when the temporary password works.</summary>
    public required DateTimeOffset TemporaryPasswordUntil { get; init; }
}

/// <summary>Body of <c>PATCH /api/v1/users/{id}</c>. A member that is absent or null stays as it is; an empty text clears it.</summary>
public sealed record UpdateUserRequest
{
    /// <summary>3 to 254 characters; a changed address is unverified again. Can't be cleared.</summary>
    [StringLength(254, MinimumLength = 3, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Email, ErrorMessage = FieldCodes.Format)]
    public string? Email { get; init; }

    /// <summary>2 to 64 letters, digits, <c>. _ -</c>. Can't be cleared.</summary>
    [StringLength(64, MinimumLength = 2, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Username, ErrorMessage = FieldCodes.Format)]
    public string? Username { get; init; }

    /// <summary>Up to 200 characters.</summary>
    [StringLength(200, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? DisplayName { get; init; }

    /// <summary>Up to 32 digits, spaces and <c>+ ( ) . / -</c>.</summary>
    [StringLength(32, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Phone, ErrorMessage = FieldCodes.Format)]
    public string? Phone { get; init; }

    /// <summary>An https address of up to 2,048 characters.</summary>
    [StringLength(2048, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.HttpsUrl, ErrorMessage = FieldCodes.Format)]
    public string? AvatarUrl { get; init; }
}

/// <summary>Body of <c>POST /api/v1/users/bulk</c>.</summary>
public sealed record BulkUsersRequest
{
    /// <summary>1 to 10,000 accounts to be made or changed.</summary>
    [Required(ErrorMessage = FieldCodes.Required), MinLength(1, ErrorMessage = FieldCodes.Length), MaxLength(10_000, ErrorMessage = FieldCodes.Length), EachRequired(ErrorMessage = FieldCodes.Required)]
    public IReadOnlyList<BulkUser> Users { get; init; } = [];

    /// <summary>True: where one can't be stored, none is. Else each for itself.</summary>
    public bool? AllOrNothing { get; init; }
}

/// <summary>An account to be changed, if it has an <see cref="Id"/>, else to be made. The members have the limits of <see cref="UpdateUserRequest"/>; what is wrong with one account is said in its result.</summary>
public sealed record BulkUser
{
    /// <summary>Number of the account to be changed. A member that is absent or null stays as it is; an empty text clears it.</summary>
    public long? Id { get; init; }

    /// <summary>Address to sign in with. A new account must have one; a changed one is unverified again.</summary>
    public string? Email { get; init; }

    /// <summary>Public name. A new account must have one.</summary>
    public string? Username { get; init; }

    /// <summary>Name to show.</summary>
    public string? DisplayName { get; init; }

    /// <summary>Telephone number.</summary>
    public string? Phone { get; init; }

    /// <summary>Address of a picture.</summary>
    public string? AvatarUrl { get; init; }

    /// <summary>Of a new account: the hash of its password, as another system has it (docs/operate/import.md). Without one nobody signs in until a password is set.</summary>
    public string? PasswordHash { get; init; }
}

/// <summary>What became of a bulk call.</summary>
public sealed record BulkUsersResponse
{
    /// <summary>Accounts made.</summary>
    public required int Created { get; init; }

    /// <summary>Accounts changed.</summary>
    public required int Updated { get; init; }

    /// <summary>Accounts left alone: their results say why.</summary>
    public required int Failed { get; init; }

    /// <summary>One for each account of the call, in its order.</summary>
    public required IReadOnlyList<BulkResult> Results { get; init; }
}

/// <summary>What became of one account of a bulk call.</summary>
public sealed record BulkResult
{
    /// <summary><c>created</c>, <c>updated</c> or <c>failed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Number of the account; null if it failed.</summary>
    public long? Id { get; init; }

    /// <summary>Why it failed: a code of docs/errors.md.</summary>
    public string? Code { get; init; }

    /// <summary>The member at fault, if one is.</summary>
    public string? Member { get; init; }
}

/// <summary>The values of <see cref="BulkResult.Status"/>.</summary>
public static class BulkStatus
{
    /// <summary>The account was made.</summary>
    public const string Created = "created";

    /// <summary>The account was changed.</summary>
    public const string Updated = "updated";

    /// <summary>Nothing was stored of it.</summary>
    public const string Failed = "failed";
}

/// <summary>A role an account holds.</summary>
/// <param name="Id">Number of the role.</param>
/// <param name="Name">Its name.</param>
/// <param name="GrantedBy">Number of the account that granted it; null if the service itself did.</param>
/// <param name="GrantedAt">When.</param>
public sealed record UserRole(long Id, string Name, long? GrantedBy, DateTimeOffset GrantedAt);
