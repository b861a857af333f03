using AuthService.LoadTest;

namespace UnitTests.LoadTest;

public class LoadMixTests
{
    [Fact]
    public void Of_any_hundred_requests_in_a_row_each_kind_has_its_percentage()
    {
        Assert.True(LoadMix.TryParse("check=70,refresh=15,profile=4,list=5,grant=1,login=5", out var mix, out _));
        foreach (var start in new[] { 0L, 1, 99, 12_345 })
        {
            var turns = Enumerable.Range(0, 100).Select(i => mix.KindOf(start + i)).CountBy(k => k).ToDictionary();
            Assert.Equal((70, 15, 4, 5, 1, 5), (turns[RequestKind.Check], turns[RequestKind.Refresh], turns[RequestKind.Profile], turns[RequestKind.List], turns[RequestKind.Grant], turns[RequestKind.Login]));
        }
    }

    [Theory]
    [InlineData("check=99", "99 %")]
    [InlineData("check=60,refresh=60", "120 %")]
    [InlineData("check=50,check=50", "twice")]
    [InlineData("chek=100", "none of check, refresh, profile, list, grant, login")]
    [InlineData("0=100", "none of")]
    [InlineData("check=-1", "'check=-1'")]
    [InlineData("check=1e2", "'check=1e2'")]
    [InlineData("check=101", "'check=101'")]
    [InlineData("check", "'check'")]
    [InlineData("", "''")]
    public void A_mix_that_is_wrong_is_refused_with_the_reason(string text, string reason)
    {
        Assert.False(LoadMix.TryParse(text, out _, out var why));
        Assert.Contains(reason, why, StringComparison.Ordinal);
    }
}
