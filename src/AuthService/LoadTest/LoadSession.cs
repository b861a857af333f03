using System.Text.Json;
using AuthService.Client;

namespace AuthService.LoadTest;

/// <summary>A session that requests are made in. Its tokens change with every refresh; whoever refreshes it must be the only one to.</summary>
internal sealed class LoadSession
{
    // Held by no one. It is answered "no", which is an answer too.
    private const string NoPermission = "load:none";

    private volatile Current _current;

    /// <param name="permission">One to ask about; null: one nobody holds.</param>
    public LoadSession(long userId, string accessToken, string refreshToken, DateTimeOffset expiresAt, string? permission)
    {
        UserId = userId;
        CheckBody = JsonSerializer.SerializeToUtf8Bytes(new CheckRequest { Permission = permission ?? NoPermission }, WireJson.Default.CheckRequest);
        _current = new Current("Bearer " + accessToken, refreshToken, expiresAt);
    }

    public long UserId { get; }
    public byte[] CheckBody { get; }
    public string Authorization => _current.Authorization;
    public string RefreshToken => _current.RefreshToken;
    public DateTimeOffset ExpiresAt => _current.ExpiresAt;

    public void Renew(TokenResponse tokens, DateTimeOffset now) =>
        _current = new Current("Bearer " + tokens.AccessToken, tokens.RefreshToken, now + TimeSpan.FromSeconds(tokens.ExpiresIn));

    private sealed record Current(string Authorization, string RefreshToken, DateTimeOffset ExpiresAt);
}

/// <summary>An account that is granted a role and loses it again.</summary>
internal sealed class Grantee(long userId)
{
    public long UserId { get; } = userId;

    /// <summary>Whether it holds the role, as far as is known.</summary>
    public bool Holds { get; set; }
}

/// <summary>Who makes the requests of a load, and on whom.</summary>
/// <param name="Sessions">Of ordinary accounts.</param>
/// <param name="Administrator">For lists and grants; null where there are none.</param>
/// <param name="Grantees">Accounts that have none of the sessions.</param>
/// <param name="RoleId">What they are granted.</param>
/// <param name="LogIns">To sign in with; may be empty where nobody does.</param>
internal sealed record LoadPeople(
    IReadOnlyList<LoadSession> Sessions, LoadSession? Administrator, IReadOnlyList<Grantee> Grantees, long RoleId, IReadOnlyList<LoginRequest> LogIns);
