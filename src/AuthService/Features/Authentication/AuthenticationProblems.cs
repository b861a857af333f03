namespace AuthService.Features.Authentication;

internal static class AuthenticationProblems
{
    /// <summary>Unknown, wrong password, inactive, unverified, temporary password out of date: one answer for all, so nobody can
    /// probe which. The work done is the same as well.</summary>
    public static readonly Problem NotValid = new("authn.credentials_not_valid", 401, "The address or the password is wrong.");

    public static readonly Problem RegistrationDisabled = new("authn.registration_disabled", 403, "This installation takes no registrations.");

    public static readonly Problem CurrentPasswordNotValid = new("authn.current_password_not_valid", 403, "The current password is wrong.");
}
