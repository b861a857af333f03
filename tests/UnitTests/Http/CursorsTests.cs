using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AuthService.Http;
using AuthService.Tokens;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Http;

public class CursorsTests
{
    private const string Scope = "users\nemail\n\n";

    private static readonly MasterKey Master = MasterKey.Parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "the test");
    private readonly Cursors _cursors = new(Master);

    [Fact]
    public void A_cursor_is_read_as_it_was_made() => Prop.ForAll(Texts(), Texts(), Gen.Elements(Enum.GetValues<Way>()).ToArbitrary(), (key, tie, way) =>
        _cursors.TryRead(_cursors.Make(Scope, new Place(way, key, tie)), Scope, out var place) && place == new Place(way, key, tie)).QuickCheckThrowOnFailure();

    [Fact]
    public void The_longest_key_of_a_list_is_read_as_well()
    {
        foreach (var place in new[] { new Place(Way.Before, new string('\u4e00', 254), "-9223372036854775808"), new Place(Way.After, "", "") })
        {
            Assert.True(_cursors.TryRead(_cursors.Make(Scope, place), Scope, out var read));
            Assert.Equal(place, read);
        }
    }

    // T08 for cursors. Leave the way, the key or the tie out of the tag, or compare less than all of it, and this fails.
    [Theory]
    [InlineData("")]
    [InlineData("anna@example.com")]
    [InlineData("2026-01-01 00:00:00+00")]
    public void A_cursor_with_one_changed_bit_is_refused(string key)
    {
        var text = _cursors.Make(Scope, new Place(Way.After, key, "42"));
        for (var position = 0; position < text.Length; position++)
            for (var bit = 0; bit < 16; bit++)
            {
                var altered = text.ToCharArray();
                altered[position] ^= (char)(1 << bit);
                Assert.False(_cursors.TryRead(new string(altered), Scope, out _), $"bit {bit} of character {position}");
            }

        for (var length = 0; length < text.Length; length++) Assert.False(_cursors.TryRead(text[..length], Scope, out _));
        foreach (var added in new[] { "A", "=", " ", "\n", "AAAA" }) Assert.False(_cursors.TryRead(text + added, Scope, out _));
    }

    // Leave the scope out of the tag and a cursor of one filter opens another's list.
    [Fact]
    public void A_cursor_of_another_list_order_or_filter_is_refused() => Prop.ForAll(Texts(), Texts(), (mine, other) =>
        mine == other || !_cursors.TryRead(_cursors.Make(mine, new Place(Way.After, "key", "1")), other, out _)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_cursor_made_under_another_master_key_is_refused() =>
        Assert.False(_cursors.TryRead(new Cursors(MasterKey.CreateRandom()).Make(Scope, new Place(Way.After, "key", "1")), Scope, out _));

    // The form before this one: tag | id 8 big-endian | key. Derive the same key for both ("cursor/1") and an old cursor is read as a place that nobody meant, and this fails.
    [Fact]
    public void A_cursor_of_an_older_version_is_refused()
    {
        byte[] content = [0, 0, 0, 0, 0, 0, 0, 42, .. "anna@example.com"u8];
        var tag = HMACSHA256.HashData(Master.Derive("cursor/1"), (byte[])[.. Encoding.UTF8.GetBytes(Scope), 0, .. content]);
        Assert.False(_cursors.TryRead(Base64Url.EncodeToString([.. tag.AsSpan(0, 16), .. content]), Scope, out _));
    }

    // Also halves of surrogate pairs, and more than fits.
    [Fact]
    public void Random_text_is_refused_and_never_throws()
    {
        var characters = Gen.Choose(0, 0xffff).Select(c => (char)c);
        var alphabet = Gen.Elements("ABQgw048_-zZ+/= \n\u00e9".ToCharArray());
        var texts = Gen.OneOf(characters, alphabet).ListOf().Select(list => new string([.. list]));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(texts.ToArbitrary(), text => !_cursors.TryRead(text, Scope, out _)));
        foreach (var length in new[] { 1024, 2047, 2048, 2049, 100_000 }) Assert.False(_cursors.TryRead(new string('A', length), Scope, out _));
    }

    /// <summary>Well-formed texts: a sort key comes from the database, which holds no others.</summary>
    private static Arbitrary<string> Texts() => Gen.Elements("aZ09@.-_ \n\u00e4\u4e00\u0416".ToCharArray()).ListOf().Select(list => new string([.. list])).ToArbitrary();
}
