using System.Text.RegularExpressions;
using AuthService.Features.Authorization;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Features.Authorization;

public partial class PermissionNameTests
{
    [Theory]
    [InlineData("users:read")]
    [InlineData("a:b")]
    [InlineData("0:0")]
    [InlineData("api_keys:read-all.v2")]
    public void A_name_is_a_resource_and_an_action(string name) => Assert.True(PermissionName.IsWellFormed(name));

    [Theory]
    [InlineData("")]
    [InlineData(":")]
    [InlineData("users")]
    [InlineData("users:")]
    [InlineData(":read")]
    [InlineData("users:read:all")]
    [InlineData("users::read")]
    [InlineData(" users:read")]
    [InlineData("users:read\n")]
    [InlineData("users:*")]
    [InlineData("_users:read")]
    [InlineData("users:-read")]
    [InlineData("us\u00e9rs:read")]
    [InlineData("users\0:read")]
    public void Anything_else_is_none(string name) => Assert.False(PermissionName.IsWellFormed(name));

    [Fact]
    public void Each_part_has_at_most_64_characters()
    {
        var longest = new string('a', 64);
        Assert.True(PermissionName.IsWellFormed($"{longest}:{longest}"));
        Assert.False(PermissionName.IsWellFormed($"{longest}a:{longest}"));
        Assert.False(PermissionName.IsWellFormed($"{longest}:{longest}a"));
    }

    // What a role can hold and what a check takes for a name is the same set: the pattern of the wire records says it the other way.
    [Fact]
    public void It_agrees_with_the_pattern_of_what_can_be_created()
    {
        var texts = Gen.Elements("aZ0._-: *\n\u00e4\0".ToCharArray()).ListOf().Select(list => new string([.. list])).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(texts, text => PermissionName.IsWellFormed(text) == Pattern().IsMatch(text)));
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}:[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex Pattern();
}
