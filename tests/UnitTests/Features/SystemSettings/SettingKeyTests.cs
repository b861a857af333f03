using AuthService.Features.SystemSettings;

namespace UnitTests.Features.SystemSettings;

public class SettingKeyTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("mail.sender-name_2", true)]
    [InlineData("", false)]
    [InlineData("A", false)]          // one way to write it
    [InlineData("2a", false)]
    [InlineData("a:b", false)]        // would be another key's tag
    [InlineData("a/b", false)]
    [InlineData("\u00e4", false)]
    public void A_name_is_small_letters_digits_and_marks(string key, bool isWellFormed) => Assert.Equal(isWellFormed, SettingKey.IsWellFormed(key));

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void A_name_has_an_end(int length, bool isWellFormed) => Assert.Equal(isWellFormed, SettingKey.IsWellFormed(new string('a', length)));
}
