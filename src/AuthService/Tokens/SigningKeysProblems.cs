namespace AuthService.Tokens;

internal static class SigningKeysProblems
{
    public static readonly Problem NotFound = new("signing_keys.not_found", 404, "There is no signing key with this id.");
}
