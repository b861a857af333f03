namespace AuthService.Features.Authentication;

internal static class AuthenticationProblems
{
    /// <summary>Unknown, wrong password, inactive, unverified, temporary password out of date: one answer for all, so nobody can
    /// probe which. The work done is the same as well.</summary>
    public static readonly Problem NotValid = new("authn.credentials_not_valid", 401, "The address or the password is wrong.");

    public static readonly Problem RegistrationDisabled = new("authn.registration_disabled", 403, "This installation takes no registrations.");

    /// <summary>Never made, used, out of date, of another address or password than the account's, of an account that is gone: one answer for all.</summary>
    public static readonly Problem ResetTokenNotValid = new("authn.reset_token_not_valid", 422, "This link has been used, is out of date, or was never good. Ask for another one.");

    /// <inheritdoc cref="ResetTokenNotValid"/>
    public static readonly Problem VerificationTokenNotValid = new("authn.verification_token_not_valid", 422, "This link has been used, is out of date, or was never good. Ask for another one.");

    public static readonly Problem CurrentPasswordNotValid = new("authn.current_password_not_valid", 403, "The current password is wrong.");
}
