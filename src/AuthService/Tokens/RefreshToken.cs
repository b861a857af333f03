using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace AuthService.Tokens;

/// <summary>What a refresh token consists of: which session, which link of its chain, and the secret of that link.</summary>
internal readonly struct RefreshToken
{
    public const int SecretLength = 32;

    private readonly SecretBytes _secret;

    public RefreshToken(Guid sessionId, int generation, ReadOnlySpan<byte> secret)
    {
        (SessionId, Generation) = (sessionId, generation);
        secret.CopyTo(_secret);
    }

    public Guid SessionId { get; }

    /// <summary>0 for the token of the log-in, one more with each rotation.</summary>
    public int Generation { get; }

    /// <summary><see cref="SecretLength"/> bytes.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> Secret => _secret;

    [InlineArray(SecretLength)]
    private struct SecretBytes
    {
        private byte _first;
    }
}
