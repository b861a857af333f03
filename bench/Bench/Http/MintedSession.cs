namespace Bench.Http;

/// <summary>A session as a log-in would have begun it.</summary>
/// <param name="Permission">One that its user holds.</param>
internal sealed record MintedSession(long UserId, string AccessToken, string RefreshToken, string Permission);
