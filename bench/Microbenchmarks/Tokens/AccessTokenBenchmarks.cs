using System.Security.Cryptography;
using System.Text;
using AuthService.Tokens;
using BenchmarkDotNet.Attributes;

namespace Microbenchmarks.Tokens;

/// <summary>Access tokens with 2 roles and 16 permissions. Expect Sign ≤ Issue, and Hash, all that a token costs once it is known, far below Verify.</summary>
[BenchmarkCategory("Tokens", AllocationGate.Category)]
public class AccessTokenBenchmarks
{
    private readonly Es256Key _key = Es256Key.Create();
    private readonly byte[] _signature = new byte[Es256Key.SignatureLength];

    private AccessTokens _tokens = null!;
    private AccessTokenSubject _subject;
    private string _token = "";
    private byte[] _bytes = [];

    // Waited for here: this toolchain does not.
    [GlobalSetup]
    public void Setup() => SetupAsync().GetAwaiter().GetResult();

    private async Task SetupAsync()
    {
        SigningKey[] keys = [new(_key, SigningKeyState.Active, DateTimeOffset.UnixEpoch)];
        var ring = new SigningKeyRing(_ => Task.FromResult<IReadOnlyList<SigningKey>>(keys), TimeProvider.System);
        await ring.ReloadAsync(CancellationToken.None);
        _tokens = new AccessTokens(ring, new TokenOptions(), TimeProvider.System);
        _subject = new AccessTokenSubject(42, Guid.CreateVersion7(), DateTimeOffset.UnixEpoch.AddYears(50), ["pwd"], ["role1", "role26"], [.. Enumerable.Range(0, 16).Select(i => $"res{i}:read")]);
        _token = _tokens.Issue(_subject);
        _bytes = Encoding.ASCII.GetBytes(_token);
    }

    /// <summary>ES256 alone.</summary>
    [Benchmark]
    public byte[] Sign()
    {
        _key.Sign(_bytes, _signature);
        return _signature;
    }

    [Benchmark(Baseline = true)]
    public string Issue() => _tokens.Issue(_subject);

    /// <summary>Signature, strict reading, and the time.</summary>
    [Benchmark]
    public bool Verify() => _tokens.Verify(_token) is not null;

    [Benchmark]
    public byte Hash()
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_bytes, hash);
        return hash[0];
    }
}
