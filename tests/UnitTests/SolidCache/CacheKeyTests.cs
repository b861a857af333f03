using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SolidCache;

namespace UnitTests.SolidCache;

public class CacheKeyTests
{
    // Leave U+0001 as it is, or write U+0000 and U+0001 the same way, and this finds two keys of one text.
    [Fact]
    public void Different_keys_are_stored_under_different_texts() => Prop.ForAll(Keys(), Keys(), (a, b) =>
        string.Equals(a, b, StringComparison.Ordinal)
            == string.Equals(CacheKey.Distributed(a).Text, CacheKey.Distributed(b).Text, StringComparison.Ordinal)
        && string.Equals(a, b, StringComparison.Ordinal)
            == string.Equals(CacheKey.Hybrid(a).Text, CacheKey.Hybrid(b).Text, StringComparison.Ordinal)).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    // Leave the mark out of Distributed and this fails.
    [Fact]
    public void Keys_of_the_two_caches_never_meet() => Prop.ForAll(Keys(), Keys(), (a, b) =>
        !string.Equals(CacheKey.Distributed(a).Text, CacheKey.Hybrid(b).Text, StringComparison.Ordinal)).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));

    [Fact]
    public void What_is_stored_is_text_for_PostgreSQL_and_its_hash_is_that_of_the_tag() => Prop.ForAll(Keys(), key =>
    {
        var stored = CacheKey.Distributed(key);
        return !stored.Text.Contains('\0') && stored.Hash == TagHash.Of(stored.Text);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_key_has_1_to_1024_bytes_of_Unicode()
    {
        foreach (var key in new[] { "a", "\0", new string('x', 1024), new string('\0', 1024), new string('ä', 512), string.Concat(Enumerable.Repeat("\U0001F511", 256)) }) CacheKey.Check(key);
        foreach (var key in new[] { "", new string('x', 1025), new string('ä', 513), "\ud83d", "\ude00\ud83d", "a\ude00" }) Assert.Throws<ArgumentException>(() => CacheKey.Check(key));
        Assert.Throws<ArgumentNullException>(() => CacheKey.Distributed(null!));
        Assert.Throws<ArgumentNullException>(() => CacheKey.Hybrid(null!));
    }

    [Fact]
    public void A_tag_is_the_first_8_bytes_of_its_SHA_256()
    {
        // printf user:42 | sha256sum
        var digest = SHA256.HashData("user:42"u8);
        Assert.Equal(Convert.ToInt64(Convert.ToHexString(digest, 0, 8), 16), TagHash.Of("user:42"));
        Assert.Equal(unchecked((long)0xe3b0c44298fc1c14), TagHash.Of(""));
    }

    // Compare no text in the slots of TagHash and this fails: 20,000 texts share 8,192 of them.
    [Fact]
    public void What_is_remembered_is_never_anothers_hash()
    {
        var texts = Enumerable.Range(0, 20_000).Select(i => $"tag:{i}{new string('ä', i % 150)}").ToArray();
        for (var round = 0; round < 2; round++)
        {
            Assert.All(texts, text => Assert.Equal(
                System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))), TagHash.Of(text)));
        }

        Assert.Throws<EncoderFallbackException>(() => TagHash.Of("\ud83d"));
    }

    /// <summary>Short, of few characters, so that two of them often are alike or nearly so.</summary>
    private static Arbitrary<string> Keys() =>
        Gen.Elements("\0", "\u0001", "\u0002", "0", "1", "d", "ä", "\U0001F511").NonEmptyListOf().Select(string.Concat)
            .Where(key => Encoding.UTF8.GetByteCount(key) <= CacheKey.MaxBytes).ToArbitrary();
}
