using AuthService.Client;
using AuthService.Tokens;

namespace AuthService.Features.Sessions;

/// <summary>The pair of tokens a client gets at log-in and at every refresh.</summary>
internal sealed class SessionTokens(AccessTokens accessTokens, RefreshTokens refreshTokens, TokenOptions options)
{
    public TokenResponse Pair(in AccessTokenSubject subject, in RefreshToken refreshToken) => new()
    {
        AccessToken = accessTokens.Issue(subject),
        RefreshToken = refreshTokens.ToText(refreshToken),
        ExpiresIn = (int)options.AccessTokenLifetime.TotalSeconds,
        Roles = subject.Roles,
        Permissions = subject.Permissions,
    };
}
