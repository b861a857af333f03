using AuthService.Client;
using AuthService.Http;

namespace AuthService.Features.Authorization;

/// <summary>
/// What <see cref="CheckRequest"/>'s attributes say, said once more: the framework asks attributes by reflection, which is quick enough everywhere but here
/// (<c>./dev bench http check</c>). A test holds this to them.
/// </summary>
internal static class CheckForm
{
    /// <returns>Null: it is as its attributes say.</returns>
    public static Problem? ProblemOf(CheckRequest check) => IsValid(check) ? null : FrameworkProblems.Of(check);

    internal static bool IsValid(CheckRequest check) =>
        check is { UserId: null or >= 1, Permission: { Length: <= 256 } permission, AtLeast: null or { Length: <= 1024 }, Consistency: null or "full" } && !string.IsNullOrWhiteSpace(permission);
}
