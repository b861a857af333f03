using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace AuthService.Client;

/// <summary>Body of <c>POST /api/v1/auth/register</c>. The answer is 202 whether or not the address was free.</summary>
public sealed record RegisterRequest
{
    /// <summary>Address to sign in with; 3 to 254 characters, compared without regard to case.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(254, MinimumLength = 3, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Email, ErrorMessage = FieldCodes.Format)]
    public string Email { get; init; } = "";

    /// <summary>Public name; 2 to 64 letters, digits, <c>. _ -</c>, compared without regard to case.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(64, MinimumLength = 2, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Username, ErrorMessage = FieldCodes.Format)]
    public string Username { get; init; } = "";

    /// <summary>12 to 256 characters of any kind; never trimmed, never cut.</summary>
    [Required(ErrorMessage = FieldCodes.Required)]
    public string Password { get; init; } = "";

    /// <summary>Up to 200 characters.</summary>
    [StringLength(200, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? DisplayName { get; init; }
}

/// <summary>Body of <c>POST /api/v1/auth/login</c>.</summary>
public sealed record LoginRequest
{
    /// <summary>The account's address.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(254, ErrorMessage = FieldCodes.Length)]
    public string Email { get; init; } = "";

    /// <summary>The account's password, exactly as it was set.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(Patterns.PasswordMaxLength, ErrorMessage = FieldCodes.Length)]
    public string Password { get; init; } = "";
}

/// <summary>Body of <c>POST /api/v1/auth/refresh</c>.</summary>
public sealed record RefreshRequest
{
    /// <summary>The newest refresh token of the session.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(256, ErrorMessage = FieldCodes.Length)]
    public string RefreshToken { get; init; } = "";
}

/// <summary>Answer of log-in and refresh. Never cache it.</summary>
public sealed record TokenResponse
{
    /// <summary>JWT (RFC 9068), signed with a key of <c>/.well-known/jwks.json</c>.</summary>
    public required string AccessToken { get; init; }

    /// <summary>Opaque; replaces the one sent. Presenting an older one later ends the session.</summary>
    public required string RefreshToken { get; init; }

    /// <summary>Always <c>Bearer</c>.</summary>
    public string TokenType { get; init; } = "Bearer";

    /// <summary>Seconds the access token lives.</summary>
    public required int ExpiresIn { get; init; }

    /// <summary>Who signed in; only in the answer to a log-in.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SignedInUser? User { get; init; }

    /// <summary>Names of the roles held now.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Permissions held now, as <c>resource:action</c>.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }

    /// <summary>True while the password is a temporary one: nothing but changing it is permitted. Absent otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PasswordChangeRequired { get; init; }
}

/// <summary>The account that signed in.</summary>
/// <param name="Id">Number of the account.</param>
/// <param name="Email">Its address.</param>
/// <param name="Username">Its public name.</param>
/// <param name="DisplayName">Name to show, if set.</param>
public sealed record SignedInUser(long Id, string Email, string Username, string? DisplayName);

/// <summary>Body of <c>POST /api/v1/auth/password/change</c>. Ends every other session of the account.</summary>
public sealed record ChangePasswordRequest
{
    /// <summary>The password as it is.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(Patterns.PasswordMaxLength, ErrorMessage = FieldCodes.Length)]
    public string CurrentPassword { get; init; } = "";

    /// <summary>The password as it shall be; 12 to 256 characters.</summary>
    [Required(ErrorMessage = FieldCodes.Required)]
    public string NewPassword { get; init; } = "";
}

/// <summary>Body of <c>POST /api/v1/auth/password/forgot</c>. The answer is 202 whether or not the address has an account.</summary>
public sealed record ForgotPasswordRequest
{
    /// <summary>The account's address.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(254, MinimumLength = 3, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Email, ErrorMessage = FieldCodes.Format)]
    public string Email { get; init; } = "";
}

/// <summary>Body of <c>POST /api/v1/auth/password/reset</c>. Ends every session of the account.</summary>
public sealed record ResetPasswordRequest
{
    /// <summary>From the link in the mail, behind the <c>#</c>. Works once, for 30 minutes.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(256, ErrorMessage = FieldCodes.Length)]
    public string Token { get; init; } = "";

    /// <summary>The password as it shall be; 12 to 256 characters.</summary>
    [Required(ErrorMessage = FieldCodes.Required)]
    public string NewPassword { get; init; } = "";
}

/// <summary>Body of <c>POST /api/v1/auth/email/verify</c>.</summary>
public sealed record VerifyEmailRequest
{
    /// <summary>From the link in the mail, behind the <c>#</c>. Works once, for 30 minutes.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(256, ErrorMessage = FieldCodes.Length)]
    public string Token { get; init; } = "";
}

/// <summary>Body of <c>POST /api/v1/auth/email/resend</c>. The answer is 202 whether or not the address has an account, or one that is to be verified.</summary>
public sealed record ResendVerificationRequest
{
    /// <summary>The account's address.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(254, MinimumLength = 3, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Email, ErrorMessage = FieldCodes.Format)]
    public string Email { get; init; } = "";
}

/// <summary>Body of <c>POST /api/v1/bootstrap</c>: makes the first administrator.</summary>
public sealed record BootstrapRequest
{
    /// <summary>The one-time token printed at start.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(256, ErrorMessage = FieldCodes.Length)]
    public string Token { get; init; } = "";

    /// <summary>Address of the administrator; the part before the at sign becomes the user name, <c>admin</c> if it can't.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(254, MinimumLength = 3, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Email, ErrorMessage = FieldCodes.Format)]
    public string Email { get; init; } = "";

    /// <summary>12 to 256 characters.</summary>
    [Required(ErrorMessage = FieldCodes.Required)]
    public string Password { get; init; } = "";
}

/// <summary>The new administrator.</summary>
/// <param name="Id">Number of the account.</param>
/// <param name="Email">Its address.</param>
/// <param name="Username">Its public name.</param>
public sealed record BootstrapResponse(long Id, string Email, string Username);
