using AuthService.Tokens;
using BenchmarkDotNet.Attributes;

namespace Microbenchmarks.Tokens;

/// <summary>What a refresh does with its token, SQL aside.</summary>
[BenchmarkCategory("Tokens", AllocationGate.Category)]
public class RefreshTokenBenchmarks
{
    private RefreshTokens _tokens = null!;
    private RefreshToken _token;
    private string _text = "";

    [GlobalSetup]
    public void Setup()
    {
        _tokens = new RefreshTokens(MasterKey.Parse(Convert.ToBase64String(new byte[32]), "here"));
        _token = _tokens.Create(Guid.CreateVersion7());
        _text = _tokens.ToText(_token);
    }

    /// <summary>Decoded, and its tag verified.</summary>
    [Benchmark]
    public bool Read() => _tokens.TryRead(_text, out _);

    [Benchmark]
    public int Successor() => _tokens.Successor(_token).Generation;

    [Benchmark]
    public byte[] Hash() => _tokens.HashOf(_token);

    [Benchmark]
    public string Write() => _tokens.ToText(_token);
}
