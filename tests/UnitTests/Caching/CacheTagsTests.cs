using AuthService.Caching;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Caching;

public class CacheTagsTests
{
    // T36. No two things have one key, and no key of one kind is one of another: each kind has a prefix of its own, and what follows is written in one way.
    [Fact]
    public void Keys_of_different_things_are_different() => Prop.ForAll<long, long, Guid>(AreDifferent).QuickCheckThrowOnFailure();

    private static bool AreDifferent(long left, long right, Guid session)
    {
        string[] keys = [CacheTags.User(left), CacheTags.Profile(left), CacheTags.ProfileKey(left), CacheTags.Session(session), CacheTags.Setting("a"), CacheTags.SigningKey("a"), CacheTags.Catalog, CacheTags.AllRoles];
        return keys.Distinct(StringComparer.Ordinal).Count() == keys.Length
            && (left == right || CacheTags.User(left) != CacheTags.User(right));
    }

    [Fact]
    public void No_prefix_begins_another()
    {
        string[] prefixes = [CacheTags.RightsPrefix, CacheTags.SessionPrefix, CacheTags.ProfilePrefix, CacheTags.SettingPrefix, CacheTags.TokenPrefix, CacheTags.KeyPrefix, "roles:", "user:", "profile:"];
        foreach (var prefix in prefixes) Assert.DoesNotContain(prefixes, other => other != prefix && other.StartsWith(prefix, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("user.updated:42", "profile:42")]
    [InlineData("user.roles_changed:42", "user:42")]
    [InlineData("role.changed:1", "catalog")]
    [InlineData("session.ended:0190c6a0-0000-7000-8000-000000000001", "session:0190c6a0-0000-7000-8000-000000000001")]
    [InlineData("setting.changed:mail.sender", "settings:mail.sender")]
    public void What_happens_makes_invalid_what_goes_by_it(string happening, string tag) => Assert.Equal([tag], InvalidatingEvent.TagsFor(happening)!);

    [Theory]
    [InlineData("user.updated")]
    [InlineData("user.updated:")]
    [InlineData("user.updated:042x")]
    [InlineData("user.updated:0")]
    [InlineData("user.updated:+1")]
    [InlineData("User.updated:1")]
    [InlineData(":1")]
    [InlineData("")]
    [InlineData("session.ended:{0190c6a0-0000-7000-8000-000000000001}")]
    public void What_never_happens_makes_nothing_invalid(string happening) => Assert.Null(InvalidatingEvent.TagsFor(happening));
}
