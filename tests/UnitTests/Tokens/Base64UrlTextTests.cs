using System.Buffers.Text;
using AuthService.Tokens;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Tokens;

public class Base64UrlTextTests
{
    [Fact]
    public void Every_value_has_a_text_that_reads_back() => Prop.ForAll<byte[]>(bytes =>
    {
        bytes ??= [];
        var into = new byte[bytes.Length];
        return Base64UrlText.TryDecode(Base64Url.EncodeToString(bytes), into, out var written)
            && written == bytes.Length && into.AsSpan().SequenceEqual(bytes);
    }).QuickCheckThrowOnFailure();

    // What is read must be what would have been written. Leave the check to the framework's decoder alone and this fails on
    // padding and white space.
    [Fact]
    public void Every_text_that_is_read_is_the_one_that_is_written()
    {
        var characters = Gen.Elements("ABQgw048_-zZ+/= \n\t.é".ToCharArray());
        var texts = characters.ListOf().Select(list => new string([.. list])).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(texts, text =>
        {
            var into = new byte[Base64UrlText.DecodedLength(text.Length)];
            return !Base64UrlText.TryDecode(text, into, out var written) || Base64Url.EncodeToString(into.AsSpan(0, written)) == text;
        }));
    }

    // All 64 × 64 two-character texts: 256 are values of one byte, the other 3,840 have bits left over.
    [Fact]
    public void Of_all_texts_of_two_characters_as_many_are_read_as_there_are_bytes()
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var one = new byte[1];
        var texts = from first in Alphabet from second in Alphabet select $"{first}{second}";
        Assert.Equal(256, texts.Count(text => Base64UrlText.TryDecode(text, one, out _)));
    }

    [Theory]
    [InlineData("QQ==")]   // padding
    [InlineData("QQ=")]
    [InlineData("Q Q")]    // white space, which the framework passes over
    [InlineData("QQ\n")]
    [InlineData("QR")]     // a bit left over
    [InlineData("Q")]      // six bits of nothing
    [InlineData("Q+")]     // the other alphabet
    [InlineData("QQ.")]
    [InlineData("QÀ")]
    public void Other_spellings_are_refused(string text) => Assert.False(Base64UrlText.TryDecode(text, new byte[8], out _));
}
