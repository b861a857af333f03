namespace AuthService.Features.Sessions;

internal static class SessionsProblems
{
    /// <summary>Malformed, forged, unknown, expired, ended or used before: one answer for all.</summary>
    public static readonly Problem RefreshTokenNotValid = new("sessions.refresh_token_not_valid", 401, "The refresh token is not valid; sign in again.");

    /// <summary>Also for a session of somebody else: who may not end it does not learn that it exists.</summary>
    public static readonly Problem NotFound = new("sessions.not_found", 404, "You have no live session with this id.");
}
