using AuthService.Passwords;

namespace UnitTests.Passwords;

public class PasswordPolicyTests
{
    private readonly PasswordPolicy _policy = new(new PasswordOptions());

    // T42
    [Theory]
    [InlineData(11, "passwords.too_short")]
    [InlineData(12, null)]
    [InlineData(64, null)]
    [InlineData(128, null)]
    [InlineData(256, null)]
    [InlineData(257, "passwords.too_long")]
    public void Length_counts_characters(int length, string? expected)
    {
        Assert.Equal(expected, Code(Letters(length)));
        // Two UTF-16 units and four bytes each: neither is what is counted.
        Assert.Equal(expected, Code(string.Concat(Enumerable.Range(0, length).Select(i => char.ConvertFromUtf32(0x1f300 + i * 7 % 200)))));
    }

    [Fact]
    public void The_minimum_is_an_option() =>
        Assert.Empty(new PasswordPolicy(new PasswordOptions { MinimumLength = 8 }).Check(Letters(8), "/password", "a@b.example", "ann"));

    // Not [InlineData]: an attribute can't hold such text.
    [Fact]
    public void Half_characters_are_refused()
    {
        foreach (var password in new[] { "long enough \ud83d", "\udd11 long enough", "long \udd11\ud83d enough" })
        {
            Assert.Equal("passwords.not_text", Code(password));
        }
    }

    // T43: no rules of composition.
    [Theory]
    [InlineData("correct horse battery")]
    [InlineData("tr0ub4dor&3-tr")]
    [InlineData("918273645546")]
    [InlineData("            x")]
    [InlineData("ПАРОЛЬНАЯФРАЗА")]
    [InlineData("パスワードはこれでいいのか")]
    [InlineData("mylongpassphrase")]
    [InlineData("password manager kept")]                   // contains a listed word, consists of more
    [InlineData("summer 8391-5527-0946")]                   // what is beside the listed word is long enough by itself
    public void Anything_else_is_accepted(string password) => Assert.Null(Code(password));

    // T43. Take the list away and this fails; so it does when a word of it is compared with regard to case.
    [Fact]
    public void The_three_thousand_most_common_passwords_are_refused_as_they_are_and_padded()
    {
        var common = CommonPasswords().ToArray();
        Assert.True(common.Length >= 3000, $"{common.Length} listed");
        foreach (var word in common)
        {
            AssertTooCommon(word);
            AssertTooCommon(word.ToUpperInvariant());
            // Up to the length that a site asks for, in the ways people do it.
            var repeated = string.Concat(Enumerable.Repeat(word, 12))[..Math.Max(12, word.Length * 2)];
            AssertTooCommon(repeated);
            if (word.Length < 6 && !word.Any(char.IsLetter)) continue;
            AssertTooCommon(word + "2024!2024!2024!"[..Math.Max(1, 12 - word.Length)]);
            AssertTooCommon("123 " + word + "!!");
        }

        void AssertTooCommon(string password) => Assert.True(Codes(password).Contains("passwords.too_common", StringComparer.Ordinal), password);
    }

    [Theory]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("abcabcabcabc")]
    [InlineData("abcdefghijkl")]
    [InlineData("zyxwvutsrqpo")]
    [InlineData("1234567890123")]
    [InlineData("Password Password")]
    [InlineData("PasswordPass")]
    [InlineData("password1234!")]
    [InlineData("monkey2024!!")]
    public void Obvious_ways_to_reach_the_length_are_refused(string password) => Assert.Equal("passwords.too_common", Code(password));

    // T43
    [Theory]
    [InlineData("authservice!")]
    [InlineData("AuthService2026")]
    [InlineData("authserviceauthservice")]
    [InlineData("schmidtova99")]                            // user name
    [InlineData("Schmidtova-1984!")]
    [InlineData("1984schmidtova!!")]
    [InlineData("anna.novotna")]                            // local part
    [InlineData("anna.novotna123")]
    [InlineData("novotna19840102")]                         // a word of it and a date
    [InlineData("novotnaschmidtova")]                       // two context words are no better than one
    [InlineData("Dr. Kralovna 1")]                          // display name
    public void Passwords_that_consist_of_context_are_refused(string password) => Assert.Equal("passwords.contains_context", Code(password));

    [Theory]
    [InlineData("schmidtova likes tea")]
    [InlineData("authservice on tuesdays")]
    [InlineData("novotna 8391-5527-0946")]                  // twelve characters beside it: the word does no harm
    [InlineData("kept by ann and bob")]                     // words of fewer than four letters are not looked for
    public void Context_words_may_occur(string password) => Assert.Null(Code(password));

    [Fact]
    public void Errors_point_at_the_member_given()
    {
        var error = Assert.Single(_policy.Check("short", "/new_password", "a@b.example", "ann"));
        Assert.Equal(("/new_password", "passwords.too_short"), (error.Pointer, error.Code));
    }

    private string? Code(string password) => Codes(password) switch
    {
        [] => null,
        [var code] => code,
        var several => string.Join(' ', several),
    };

    private string[] Codes(string password) =>
        [.. _policy.Check(password, "/password", "Anna.Novotna@example.org", "Schmidtova", "Dr. Kralovna").Select(error => error.Code)];

    // No run, no repetition, no word.
    private static string Letters(int length) =>
        string.Concat(Enumerable.Range(0, length).Select(i => (char)(i % 5 == 3 ? 65 + i * 11 % 26 : 97 + i * i * 7 % 23)));

    private static IEnumerable<string> CommonPasswords()
    {
        using var stream = typeof(PasswordPolicy).Assembly.GetManifestResourceStream("Passwords/common-passwords.txt")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith("# ", StringComparison.Ordinal)) yield return line;
        }
    }
}
