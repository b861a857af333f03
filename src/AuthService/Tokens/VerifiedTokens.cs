using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AuthService.Caching;
using AuthService.Database;
using Npgsql;
using SolidCache;
using SolidCache.Loading;

namespace AuthService.Tokens;

/// <summary>
/// Access tokens whose signature has been verified, so that a token costs a signature once in its life and a hash from then on. What is
/// remembered is what the token says; whether its session lives is asked on every request. A key that is distrusted takes its tokens along at
/// once, on every node.
/// </summary>
internal sealed class VerifiedTokens(AccessTokens tokens, TieredCache cache, NpgsqlDataSource db, TimeProvider clock)
{
    private const int HashLength = 43;   // base64url of 32 bytes

    private static readonly SqlFile IsTrusted = SqlFile.Beside<VerifiedTokens>("is_trusted");

    /// <param name="token">A part of the header as it came: a string is made of it only if it has to be verified.</param>
    /// <returns>Null for anything that is not an access token of this service in its time.</returns>
    /// <exception cref="SigningKeysUnavailableException">The node can't say, because it can't reach the database.</exception>
    /// <exception cref="NpgsqlException">Likewise.</exception>
    public ValueTask<AccessTokenClaims?> VerifyAsync(ReadOnlyMemory<char> token, CancellationToken ct)
    {
        Span<char> key = stackalloc char[CacheTags.TokenPrefix.Length + HashLength];
        if (!TryWriteKey(token.Span, key)) return new ValueTask<AccessTokenClaims?>(default(AccessTokenClaims));
        if (!cache.TryGetFromMemory(key, out AccessTokenClaims? claims)) return VerifyAnewAsync(token.ToString(), key.ToString(), ct);
        // Its end is a time of the wall clock, by which its life in memory was not measured.
        return new ValueTask<AccessTokenClaims?>(claims!.ExpiresAt > clock.GetUtcNow() && tokens.IsInUse(claims.Kid) ? claims : null);
    }

    private async ValueTask<AccessTokenClaims?> VerifyAnewAsync(string token, string key, CancellationToken ct)
    {
        using var wait = TimeSpent.InCache();
        // Of a key that this node doesn't know (yet): nothing to remember it by.
        if (tokens.KidOf(token) is not { } kid) return await tokens.VerifyAsync(token, ct) is { } claims && await IsTrustedAsync(claims.Kid, ct) ? claims : null;
        return await cache.GetOrLoadAsync(key, (this, token), static (s, context, stop) => s.Item1.LoadAsync(s.token, context, stop), tags: [CacheTags.SigningKey(kid)], token: ct);
    }

    private async ValueTask<AccessTokenClaims?> LoadAsync(string token, LoadContext context, CancellationToken ct)
    {
        // Only what is good is kept: of bad tokens anyone can make as many as they like.
        if (await tokens.VerifyAsync(token, ct) is { } claims && await IsTrustedAsync(claims.Kid, ct))
        {
            context.Expiration = claims.ExpiresAt - clock.GetUtcNow();
            return claims;
        }

        context.DoNotStore = true;
        return null;
    }

    /// <summary>The keys in memory are some time old; this answer is not.</summary>
    private ValueTask<bool> IsTrustedAsync(string kid, CancellationToken ct) => cache.GetOrCreateAsync(CacheTags.SigningKey(kid), (db, kid), static async (s, stop) =>
    {
        await using var command = IsTrusted.On(s.db).With(s.kid);
        return (bool)(await command.ExecuteScalarAsync(stop))!;
    }, cancellationToken: ct);

    private static bool TryWriteKey(ReadOnlySpan<char> token, Span<char> key)
    {
        if (token.Length > AccessTokens.MaxLength) return false;
        var bytes = ArrayPool<byte>.Shared.Rent(token.Length);
        try
        {
            if (Ascii.FromUtf16(token, bytes, out var length) != OperationStatus.Done) return false;
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(bytes.AsSpan(0, length), hash);
            CacheTags.TokenPrefix.CopyTo(key);
            Base64Url.EncodeToChars(hash, key[CacheTags.TokenPrefix.Length..]);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
