namespace AuthService.Throttling;

internal static class ThrottlingProblems
{
    /// <summary>Of an address or a session, never of an account: whether an account is refused is nobody's to know.</summary>
    public static readonly Problem TooManyRequests = new("http.too_many_requests", 429, "Too many requests of this kind. Wait, then try again.");
}
