using System.Buffers.Text;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;
using SolidCache.Freshness;
using SolidCache.Memory;

namespace UnitTests.SolidCache.Freshness;

/// <summary>Whatever a client sends as a token: it is refused, and nothing is thrown.</summary>
public sealed class RevisionTokensTests : IAsyncDisposable
{
    private static readonly Guid Epoch = Guid.Parse("6f1c1f0e-3a5e-4b57-9a51-0f2f1f6a9b11");

    private readonly NpgsqlDataSource _nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1");
    private readonly FreshnessState _state;
    private readonly InvalidationPoll _poll;
    private readonly RevisionTokens _tokens;

    public RevisionTokensTests()
    {
        var options = new FreshnessOptions { TokenKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)] };
        _state = new FreshnessState(options, TimeProvider.System) { Lease = Lease.None with { Era = new Era(Epoch) } };
        _poll = new InvalidationPoll(_nowhere, "solid_cache", options, _state, new MemoryStore(1 << 20), TimeProvider.System, NullLogger.Instance);
        _tokens = new RevisionTokens(options, _state, _poll, TimeProvider.System);
    }

    public ValueTask DisposeAsync()
    {
        _poll.Dispose();
        return _nowhere.DisposeAsync();
    }

    [Fact]
    public void What_was_written_is_accepted_and_learnt() => Prop.ForAll<long[]>(numbers =>
    {
        var tags = (numbers ?? []).Distinct().Take(8).ToArray();
        if (tags.Length == 0) return true;
        var versions = Array.ConvertAll(tags, t => (t & 0xffffff) + 1);
        return Accepts(_tokens.Write(new Revision(Epoch, [7], tags, versions))) && tags.Zip(versions).All(t => _state.Known.VersionOf(t.First) >= t.Second);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_random_text_is_refused() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll<string>(text => !Accepts(text!)));

    [Fact]
    public void Random_bytes_are_refused() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll<byte[]>(bytes => !Accepts(Base64Url.EncodeToString(bytes ?? []))));

    // Leave the MAC unchecked and this fails: some are accepted, others reach beyond their end.
    [Fact]
    public void A_token_with_anything_changed_added_or_taken_away_is_refused()
    {
        var token = Base64Url.DecodeFromChars(_tokens.Write(new Revision(Epoch, [7, 8], [1, 2, 3], [4, 5, 6])));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll<int, byte, byte[]>((place, with, rest) =>
        {
            var at = (int)((uint)place % (uint)token.Length);
            byte[] changed = [.. token[..at], .. (rest ?? []), (byte)(token[at] ^ (with | 1)), .. with % 3 == 0 ? [] : token[(at + 1)..]];
            return !Accepts(Base64Url.EncodeToString(changed));
        }));
    }

    [Fact]
    public void A_text_without_end_is_refused() => Assert.False(Accepts(new string('A', 10_000_000)));

    [Fact]
    public void Under_another_key_it_is_refused()
    {
        var other = new RevisionTokens(new FreshnessOptions { TokenKey = RandomNumberGenerator.GetBytes(32) }, _state, _poll, TimeProvider.System);
        Assert.False(Accepts(other.Write(new Revision(Epoch, [7], [1], [2]))));
    }

    private bool Accepts(string text)
    {
        var accepted = _tokens.AcceptAsync(text, CancellationToken.None);
        Assert.True(accepted.IsCompletedSuccessfully, "It threw, or waits.");
        return accepted.IsCompletedSuccessfully && accepted.Result;
    }
}
