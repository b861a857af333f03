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
    public void A_cursor_is_read_as_it_was_made() => Prop.ForAll(Texts(), ArbMap.Default.ArbFor<long>(), (key, id) =>
        _cursors.TryRead(_cursors.Make(Scope, key, id), Scope, out var readKey, out var readId) && (readKey, readId) == (key, id)).QuickCheckThrowOnFailure();

    [Fact]
    public void The_longest_key_of_a_list_is_read_as_well()
    {
        var key = new string('\u4e00', 254);
        Assert.True(_cursors.TryRead(_cursors.Make(Scope, key, long.MaxValue), Scope, out var read, out var id));
        Assert.Equal((key, long.MaxValue), (read, id));
        Assert.True(_cursors.TryRead(_cursors.Make(Scope, "", long.MinValue), Scope, out read, out id));
        Assert.Equal(("", long.MinValue), (read, id));
    }

    // T08 for cursors. Leave the id or the key out of the tag, or compare less than all of it, and this fails.
    [Theory]
    [InlineData("")]
    [InlineData("anna@example.com")]
    [InlineData("2026-01-01 00:00:00+00")]
    public void A_cursor_with_one_changed_bit_is_refused(string key)
    {
        var text = _cursors.Make(Scope, key, 42);
        for (var position = 0; position < text.Length; position++)
            for (var bit = 0; bit < 16; bit++)
            {
                var altered = text.ToCharArray();
                altered[position] ^= (char)(1 << bit);
                Assert.False(_cursors.TryRead(new string(altered), Scope, out _, out _), $"bit {bit} of character {position}");
            }

        for (var length = 0; length < text.Length; length++) Assert.False(_cursors.TryRead(text[..length], Scope, out _, out _));
        foreach (var added in new[] { "A", "=", " ", "\n", "AAAA" }) Assert.False(_cursors.TryRead(text + added, Scope, out _, out _));
    }

    // Leave the scope out of the tag and a cursor of one filter opens another's list.
    [Fact]
    public void A_cursor_of_another_list_order_or_filter_is_refused() => Prop.ForAll(Texts(), Texts(), (mine, other) =>
        mine == other || !_cursors.TryRead(_cursors.Make(mine, "key", 1), other, out _, out _)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_cursor_made_under_another_master_key_is_refused() =>
        Assert.False(_cursors.TryRead(new Cursors(MasterKey.CreateRandom()).Make(Scope, "key", 1), Scope, out _, out _));

    // Also halves of surrogate pairs, and more than fits.
    [Fact]
    public void Random_text_is_refused_and_never_throws()
    {
        var characters = Gen.Choose(0, 0xffff).Select(c => (char)c);
        var alphabet = Gen.Elements("ABQgw048_-zZ+/= \n\u00e9".ToCharArray());
        var texts = Gen.OneOf(characters, alphabet).ListOf().Select(list => new string([.. list]));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(texts.ToArbitrary(), text => !_cursors.TryRead(text, Scope, out _, out _)));
        foreach (var length in new[] { 1024, 2047, 2048, 2049, 100_000 }) Assert.False(_cursors.TryRead(new string('A', length), Scope, out _, out _));
    }

    /// <summary>Well-formed texts: a sort key comes from the database, which holds no others.</summary>
    private static Arbitrary<string> Texts() => Gen.Elements("aZ09@.-_ \n\u00e4\u4e00\u0416".ToCharArray()).ListOf().Select(list => new string([.. list])).ToArbitrary();
}
