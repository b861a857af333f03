namespace AuthService.Http;

/// <summary>Failures of <c>Features/AccessControl/AccessEnforcement.cs</c>.</summary>
internal static class AccessProblems
{
    public static readonly Problem NoToken = new("authn.token_missing", 401, "Send an access token as Authorization: Bearer.");

    /// <summary>Malformed, forged, expired, or of a session that has ended: one answer for all, so nobody can probe which.</summary>
    public static readonly Problem TokenNotValid = new("authn.token_not_valid", 401, "The access token is not valid.");

    public static readonly Problem NotPermitted = new("authz.not_permitted", 403, "Your rights don't include this.");

    public static readonly Problem PasswordChangeRequired =
        new("authn.password_change_required", 403, "The password is a temporary one; change it before anything else.");

    /// <summary><c>WWW-Authenticate</c> of a 401 (RFC 6750, section 3): the error is named only if a token was sent.</summary>
    public static string Challenge(Problem problem) =>
        ReferenceEquals(problem, TokenNotValid) ? "Bearer realm=\"authservice\", error=\"invalid_token\"" : "Bearer realm=\"authservice\"";
}
