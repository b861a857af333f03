namespace AuthService.Passwords;

internal static class PasswordsProblems
{
    /// <summary>More passwords arrive than the node can hash. Says nothing about the account or the password.</summary>
    public static readonly Problem Busy =
        new("passwords.busy", 503, "The service is busy checking passwords. Try again shortly.") { RetryAfterSeconds = 1 };
}
