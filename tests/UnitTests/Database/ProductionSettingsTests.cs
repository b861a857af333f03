using AuthService.Database;
using AuthService.Database.PrivateServer;
using UnitTests.Repository;

namespace UnitTests.Database;

public class ProductionSettingsTests
{
    // Leave one out of deploy/postgres/authservice.conf, or change it, and this names it.
    [Theory]
    [InlineData("max_connections", "250", nameof(SettingRule.AtLeast))]
    [InlineData("shared_buffers", "256MB", nameof(SettingRule.AtLeast))]
    [InlineData("effective_cache_size", "1GB", nameof(SettingRule.AtLeast))]
    [InlineData("maintenance_work_mem", "128MB", nameof(SettingRule.AtLeast))]
    [InlineData("checkpoint_completion_target", "0.9", nameof(SettingRule.AtLeast))]
    [InlineData("shared_preload_libraries", "pg_stat_statements", nameof(SettingRule.Has))]
    [InlineData("default_transaction_isolation", "read committed", nameof(SettingRule.Must))]
    [InlineData("fsync", "on", nameof(SettingRule.Must))]
    [InlineData("full_page_writes", "on", nameof(SettingRule.Must))]
    [InlineData("synchronous_commit", "on", nameof(SettingRule.Must))]
    [InlineData("session_replication_role", "origin", nameof(SettingRule.Must))]
    public void What_is_shipped_has(string name, string value, string rule)
    {
        var setting = Assert.Single(ProductionSettings.All, s => s.Name == name);
        Assert.Equal((value, rule), (setting.Value, setting.Rule.ToString()));
    }

    // The one text: a copy in the assembly that is not the file of the repository would be compared with, and nobody's server has it.
    [Fact]
    public void What_is_compared_with_is_the_file_that_is_installed()
    {
        Assert.Equal(ProductionSettings.Parse(RepositoryRoot.Read("deploy", "postgres", "authservice.conf")).Select(s => (s.Name, s.Value)), ProductionSettings.All.Select(s => (s.Name, s.Value)));
        Assert.Equal(ProductionSettings.All.Count, ProductionSettings.All.Select(s => s.Name).Distinct(StringComparer.Ordinal).Count());
        var own = ClusterSettings.Write("/tmp/somewhere", withStatements: true, new Dictionary<string, string>(StringComparer.Ordinal));
        Assert.All(ProductionSettings.All, s => Assert.Contains($"\n{s.Name} = '{s.Value}'\n", own, StringComparison.Ordinal));
        Assert.DoesNotContain("shared_preload_libraries", ClusterSettings.Write("/tmp/somewhere", withStatements: false, new Dictionary<string, string>(StringComparer.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_gives_name_value_rule_what_is_as_good_and_the_reason()
    {
        var settings = ProductionSettings.Parse("# all of it\n\nwal_compression = pglz      # equal, or lz4, or zstd: smaller: it is\na_b = 'x y'  # at most but not 0: why\n");
        Assert.Equal(["wal_compression", "a_b"], settings.Select(s => s.Name));
        Assert.Equal(["pglz", "x y"], settings.Select(s => s.Value));
        Assert.Equal([SettingRule.Equal, SettingRule.AtMostButNotZero], settings.Select(s => s.Rule));
        Assert.Equal(["lz4", "zstd"], settings[0].AsGood);
        Assert.Equal("smaller: it is", settings[0].Reason);
    }

    [Theory]
    [InlineData("fsync = on")]                       // no reason
    [InlineData("fsync = on # because: of that")]    // no rule we know
    [InlineData("fsync on # must: it")]
    [InlineData(" # a comment that is none")]
    public void A_line_without_a_rule_and_a_reason_is_refused(string line) => Assert.Throws<FormatException>(() => ProductionSettings.Parse(line));
}
