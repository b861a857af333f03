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

/// <summary>A role an account holds.</summary>
/// <param name="Id">Number of the role.</param>
/// <param name="Name">Its name.</param>
/// <param name="GrantedBy">Number of the account that granted it; null if the service itself did.</param>
/// <param name="GrantedAt">When.</param>
public sealed record UserRole(long Id, string Name, long? GrantedBy, DateTimeOffset GrantedAt);
