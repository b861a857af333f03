using System.Text;
using AuthService.Database;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Database;

public class LikePatternTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData(" ", "% %")]
    [InlineData("Anna", "%anna%")]
    [InlineData("100%", @"%100\%%")]
    [InlineData("a_b", @"%a\_b%")]
    [InlineData(@"a\b", @"%a\\b%")]
    [InlineData(@"\%", @"%\\\%%")]
    public void Nothing_in_the_text_is_special(string? text, string? pattern) => Assert.Equal(pattern, LikePattern.Anywhere(text));

    // Read as PostgreSQL reads it, the pattern says: something, this text, something. Leave an escape out and this finds it.
    [Fact]
    public void The_pattern_says_the_text_and_nothing_else()
    {
        var texts = Gen.Elements("aB%_\\'*?[".ToCharArray()).ListOf().Select(list => new string([.. list])).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(texts, text =>
        {
            if (text.Length == 0) return true;
            var pattern = LikePattern.Anywhere(text)!;
            var said = new StringBuilder();
            for (var i = 1; i < pattern.Length - 1; i++)
            {
                if (pattern[i] is '%' or '_') return false;
                if (pattern[i] == '\\') i++;
                said.Append(pattern[i]);
            }

            return (pattern[0], pattern[^1], said.ToString()) == ('%', '%', text.ToLowerInvariant());
        }));
    }
}
