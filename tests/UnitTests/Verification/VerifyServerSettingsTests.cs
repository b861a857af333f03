using System.Globalization;
using AuthService.Database;
using AuthService.Verification;

namespace UnitTests.Verification;

public class VerifyServerSettingsTests
{
    [Theory]
    [InlineData(nameof(SettingRule.AtLeast), "256", "256", "256", true)]
    [InlineData(nameof(SettingRule.AtLeast), "512", "512", "256", true)]
    [InlineData(nameof(SettingRule.AtLeast), "128", "128", "256", false)]
    [InlineData(nameof(SettingRule.AtMost), "0", "0", "100", true)]
    [InlineData(nameof(SettingRule.AtMost), "100", "100", "100", true)]
    [InlineData(nameof(SettingRule.AtMost), "101", "101", "100", false)]
    [InlineData(nameof(SettingRule.AtMost), "-1", "-1", "100", false)]         // never, or without limit
    [InlineData(nameof(SettingRule.AtMostButNotZero), "0", "0", "60", false)]
    [InlineData(nameof(SettingRule.AtMostButNotZero), "30", "30", "60", true)]
    [InlineData(nameof(SettingRule.Equal), "0", "0", "0", true)]
    [InlineData(nameof(SettingRule.Equal), "1", "1", "0", false)]
    [InlineData(nameof(SettingRule.Equal), "on", null, null, true)]
    [InlineData(nameof(SettingRule.Equal), "off", null, null, false)]
    [InlineData(nameof(SettingRule.Equal), "also", null, null, true)]
    [InlineData(nameof(SettingRule.Must), "off", null, null, false)]
    [InlineData(nameof(SettingRule.Has), "auto_explain, on", null, null, true)]
    [InlineData(nameof(SettingRule.Has), "only", null, null, false)]
    public void A_value_is_compared_as_its_rule_says(string rule, string shown, string? seen, string? wanted, bool isGood)
    {
        var setting = new ProductionSetting("name", "on", Enum.Parse<SettingRule>(rule), ["also"], "because");
        var check = VerifyServerSettings.Compare(setting, shown, Number(seen), Number(wanted));
        Assert.Equal((isGood, !isGood && rule == nameof(SettingRule.Must)), (check.IsGood, check.HasFailed));
        Assert.Equal(!isGood, check.Seen.Contains("because", StringComparison.Ordinal));
    }

    private static decimal? Number(string? text) => text is null ? null : decimal.Parse(text, CultureInfo.InvariantCulture);
}
