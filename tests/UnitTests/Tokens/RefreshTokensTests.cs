using System.Buffers.Text;
using AuthService.Tokens;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Tokens;

public class RefreshTokensTests
{
    private static readonly MasterKey Master = MasterKey.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "the test");
    private static readonly Guid Session = Guid.Parse("018f3a52-0000-7000-8000-000000000001");

    private readonly RefreshTokens _tokens = new(Master);

    [Fact]
    public void A_token_is_read_as_it_was_made() => Prop.ForAll<Guid, byte>((session, rotations) =>
    {
        var token = _tokens.Create(session);
        for (var i = 0; i < rotations % 5; i++) token = _tokens.Successor(token);
        var text = _tokens.ToText(token);
        return text.Length == 96 && text.StartsWith("rt1_", StringComparison.Ordinal)
            && _tokens.TryRead(text, out var read)
            && read.SessionId == session && read.Generation == rotations % 5 && read.Secret.SequenceEqual(token.Secret);
    }).QuickCheckThrowOnFailure();

    // T08. Leave any field out of the tag, or shorten the comparison, and this fails.
    [Fact]
    public void A_token_with_one_flipped_bit_anywhere_is_refused()
    {
        var text = _tokens.ToText(_tokens.Successor(_tokens.Create(Session)));
        Assert.True(_tokens.TryRead(text, out _));
        for (var position = 0; position < text.Length; position++)
        {
            for (var bit = 0; bit < 16; bit++)
            {
                var altered = text.ToCharArray();
                altered[position] ^= (char)(1 << bit);
                Assert.False(_tokens.TryRead(new string(altered), out _), $"bit {bit} of character {position}");
            }
        }
        var bytes = Base64Url.DecodeFromChars(text.AsSpan(4));
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var altered = (byte[])bytes.Clone();
            altered[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(_tokens.TryRead("rt1_" + Base64Url.EncodeToString(altered), out _), $"bit {bit}");
        }
    }

    // T08
    [Fact]
    public void A_token_with_anything_put_in_taken_out_or_replaced_is_refused()
    {
        var text = _tokens.ToText(_tokens.Create(Session));
        var edits =
            from position in Gen.Choose(0, text.Length - 1)
            from removed in Gen.Choose(0, 3)
            from inserted in Gen.Elements("AZaz09-_=. \n+/\0é".ToCharArray()).ListOf()
            select string.Concat(text.AsSpan(0, position), new string([.. inserted.Take(4)]), text.AsSpan(Math.Min(text.Length, position + removed)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(edits.ToArbitrary(), edited => edited == text || !_tokens.TryRead(edited, out _)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("rt1_")]
    [InlineData("rt2_AYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UifQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6")]
    public void Anything_else_is_refused(string? text) => Assert.False(_tokens.TryRead(text, out _));

    // T14, the part before the database: knowing a session's id is not enough to be asked about it.
    [Fact]
    public void A_token_made_under_another_key_is_refused()
    {
        var forger = new RefreshTokens(MasterKey.CreateRandom());
        Assert.False(_tokens.TryRead(forger.ToText(forger.Create(Session)), out _));
    }

    // T10 and T16 rest on this: whoever repeats a rotation, on whichever node, gets the same token.
    [Fact]
    public void The_successor_is_the_same_whenever_and_wherever_it_is_computed() => Prop.ForAll<Guid>(session =>
    {
        var token = _tokens.Create(session);
        var elsewhere = new RefreshTokens(Master);
        var (once, again) = (_tokens.Successor(token), elsewhere.Successor(token));
        return _tokens.ToText(once) == elsewhere.ToText(again)
            && once.SessionId == session && once.Generation == 1
            && !once.Secret.SequenceEqual(token.Secret)
            && !_tokens.Successor(once).Secret.SequenceEqual(once.Secret);
    }).QuickCheckThrowOnFailure();

    // Leave one of these out of the derivation and two chains could meet.
    [Fact]
    public void The_successor_depends_on_session_generation_secret_and_key()
    {
        var secret = new byte[RefreshToken.SecretLength];
        var token = new RefreshToken(Session, 4, secret);
        var successor = Text(_tokens, token);
        Assert.NotEqual(successor, Text(_tokens, new RefreshToken(Guid.Parse("018f3a52-0000-7000-8000-000000000002"), 4, secret)));
        Assert.NotEqual(successor, Text(_tokens, new RefreshToken(Session, 5, secret)));
        Assert.NotEqual(successor, Text(new RefreshTokens(MasterKey.CreateRandom()), token));
        secret[31] = 1;
        Assert.NotEqual(successor, Text(_tokens, new RefreshToken(Session, 4, secret)));

        static string Text(RefreshTokens tokens, in RefreshToken token) => Convert.ToHexString(tokens.Successor(token).Secret);
    }

    // The format is kept by clients for weeks and computed by nodes of several releases. Change anything about it and this
    // fails: then it needs another version byte, not another constant here. Values by Python's hmac and hashlib.
    [Fact]
    public void The_format_is_what_it_was()
    {
        var token = new RefreshToken(Session, 7, Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());
        Assert.Equal("rt1_AQGPOlIAAHAAgAAAAAAAAAEAAAAHAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9yS82KPZeA6PHYzmfaFCOn", _tokens.ToText(token));
        Assert.Equal("rt1_AQGPOlIAAHAAgAAAAAAAAAEAAAAIDBdjq8c1ExDFP-bkLGOqqvpYvLt6R-ad3Payp8m_3EyF5FAuSW1FMEJmroYIc4qT", _tokens.ToText(_tokens.Successor(token)));
        Assert.Equal("630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd", Convert.ToHexStringLower(_tokens.HashOf(token)));
    }

    [Fact]
    public void A_chain_that_reaches_its_end_stops_instead_of_starting_over() =>
        Assert.Throws<OverflowException>(() => _tokens.Successor(new RefreshToken(Session, int.MaxValue, new byte[32])));
}
