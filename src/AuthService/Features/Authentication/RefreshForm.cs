using AuthService.Client;
using AuthService.Http;

namespace AuthService.Features.Authentication;

/// <summary>What <see cref="RefreshRequest"/>'s attributes say, said once more, for the same reason as in <c>CheckForm</c> (<c>./dev bench http refresh</c>). A test holds this to them.</summary>
internal static class RefreshForm
{
    /// <returns>Null: it is as its attributes say.</returns>
    public static Problem? ProblemOf(RefreshRequest refresh) => IsValid(refresh) ? null : FrameworkProblems.Of(refresh);

    internal static bool IsValid(RefreshRequest refresh) => refresh.RefreshToken is { Length: <= 256 } token && !string.IsNullOrWhiteSpace(token);
}
