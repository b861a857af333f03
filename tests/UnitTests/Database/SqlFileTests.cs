using AuthService.Database;

namespace UnitTests.Database;

public class SqlFileTests
{
    // In code: an attribute keeps its texts as UTF-8, which has no halves of characters.
    [Fact]
    public void Only_a_text_that_a_database_takes_becomes_a_parameter()
    {
        foreach (var text in new[] { "", "a\u00e4\u4e00", "\ud83d\ude00", "a\ud83d\ude00b\ud83d\ude00", "\ufffd\uffff\u0001" })
        {
            Assert.Equal(text, SqlParameters.Of(text).TypedValue);
        }

        foreach (var text in new[] { "\0", "a\0", "\ud83d", "\ude00", "\ude00\ud83d", "\ud83d\ude00\ud83d", "a\ud83db", "\ud83d\0" })
        {
            Assert.Throws<TextNotStorableException>(() => SqlParameters.Of(text));
        }
    }

    [Fact]
    public void A_place_is_filled_wherever_it_stands_and_one_that_is_not_there_is_a_mistake()
    {
        var file = new SqlFile("a.sql", "SELECT /*key:*/u.id/*:key*/ FROM t ORDER BY /*key:*/u.id/*:key*/ /*direction:*/ASC/*:direction*/");
        Assert.Equal("SELECT lower(x) FROM t ORDER BY lower(x) /*direction:*/ASC/*:direction*/", file.Fill("key", "lower(x)").Text);
        Assert.Equal("SELECT /*key:*/u.id/*:key*/ FROM t ORDER BY /*key:*/u.id/*:key*/ DESC", file.Fill("direction", "DESC").Text);
        Assert.Throws<InvalidOperationException>(() => file.Fill("other", "x"));
    }
}
