using AuthService.Database;
using Npgsql;

namespace UnitTests.Database;

public class DataSourcesTests
{
    private const string Bare = "Host=db;Username=u;Database=d";

    [Fact]
    public void Options_fill_what_the_connection_string_leaves_open()
    {
        var settings = Complete(Bare, new());

        Assert.Equal((10, 50), (settings.MinPoolSize, settings.MaxPoolSize));
        Assert.Equal((300, 1800), (settings.ConnectionIdleLifetime, settings.ConnectionLifetime));
        Assert.Equal((30, 10), (settings.CommandTimeout, settings.Timeout));
        Assert.Equal(("authservice", "UTC"), (settings.ApplicationName, settings.Timezone));
        Assert.Equal("-c statement_timeout=30000", settings.Options);
        Assert.False(settings.Multiplexing);
    }

    // Assign without asking ShouldSerialize first and every row fails. Synonyms and the driver's own default values count as written.
    [Theory]
    [InlineData("Maximum Pool Size=7;Minimum Pool Size=1", "Maximum Pool Size", "7")]
    [InlineData("MaxPoolSize=100", "Maximum Pool Size", "100")]
    [InlineData("Timeout=15", "Timeout", "15")]
    [InlineData("CommandTimeout=5", "Command Timeout", "5")]
    [InlineData("Max Auto Prepare=0", "Max Auto Prepare", "0")]
    [InlineData("Application Name=mine", "Application Name", "mine")]
    [InlineData("TimeZone=Europe/Vienna", "Timezone", "Europe/Vienna")]
    [InlineData("Options=-c statement_timeout=5s", "Options", "-c statement_timeout=5s")]
    public void What_the_connection_string_says_wins(string written, string keyword, string value) =>
        Assert.Equal(value, Complete($"{Bare};{written}", new())[keyword]!.ToString());

    [Fact]
    public void Options_of_the_session_are_kept_beside_ours() =>
        Assert.Equal("-c jit=off -c statement_timeout=30000", Complete($"{Bare};Options=-c jit=off", new()).Options);

    [Theory]
    [InlineData("Maximum Pool Size=3", 3, 3)]
    [InlineData("Minimum Pool Size=60", 60, 60)]
    public void A_pool_size_that_was_written_moves_the_one_that_was_not(string written, int minimum, int maximum)
    {
        var settings = Complete($"{Bare};{written}", new());
        Assert.Equal((minimum, maximum), (settings.MinPoolSize, settings.MaxPoolSize));
    }

    [Fact]
    public void A_small_maximum_lowers_the_minimum()
    {
        var settings = Complete(Bare, new() { PoolMaximum = 5 });
        Assert.Equal((5, 5), (settings.MinPoolSize, settings.MaxPoolSize));
    }

    private static NpgsqlConnectionStringBuilder Complete(string connectionString, DatabaseOptions options) =>
        new(DataSources.Complete(connectionString, options));
}
