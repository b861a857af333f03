using AuthService.Database;
using AuthService.Features.Authentication;
using AuthService.Installation;
using AuthService.Passwords;
using AuthService.Tokens;
using SessionOptions = AuthService.Features.Sessions.SessionOptions;   // the framework has one too

namespace UnitTests.Installation;

public class SettingsTests
{
    [Fact]
    public void Values_are_read_whatever_the_case_of_their_keys()
    {
        var sessions = Bind<SessionOptions>("Sessions", ("IdleTimeout", "01:00:00"), ("maxperuser", "3"));
        Assert.Equal((TimeSpan.FromHours(1), 3, TimeSpan.FromDays(30)), (sessions.IdleTimeout, sessions.MaxPerUser, sessions.AbsoluteTimeout));
        Assert.False(Bind<RegistrationOptions>("Registration", ("Enabled", "False")).Enabled);
        Assert.Equal(256, Bind<PasswordOptions>("Passwords", ("MaxConcurrentHashes", "256")).MaxConcurrentHashes);
        Assert.Null(Bind<TokenOptions>("Tokens", ("MasterKeyFile", null)).MasterKeyFile);
    }

    // Without the look-up of the property a mistyped key is passed over, and the installation runs with the default.
    [Fact]
    public void A_key_that_nobody_reads_is_named_with_those_that_are()
    {
        var message = Refused<SessionOptions>("Sessions", ("IdleTimout", "01:00:00"));
        Assert.Contains("Sessions:IdleTimout", message, StringComparison.Ordinal);
        Assert.Contains("IdleTimeout, AbsoluteTimeout, RefreshGrace, MaxPerUser", message, StringComparison.Ordinal);
        Assert.Contains("Tokens:VerifyWindow", Refused<TokenOptions>("Tokens", ("VerifyWindow", "01:00:00")), StringComparison.Ordinal);   // computed, no setting
    }

    [Theory]
    [InlineData("Sessions:IdleTimeout", "soon", "a time span such as 00:15:00")]
    [InlineData("Sessions:IdleTimeout", "", "a time span such as 00:15:00")]
    [InlineData("Sessions:MaxPerUser", "many", "a whole number")]
    [InlineData("Sessions:MaxPerUser", "1.5", "a whole number")]
    [InlineData("Sessions:MaxPerUser", "99999999999", "a whole number")]
    [InlineData("Registration:Enabled", "perhaps", "true or false")]
    [InlineData("Registration:Enabled", "1", "true or false")]
    [InlineData("Registration:Enabled", "", "true or false")]
    public void A_value_that_can_not_be_read_is_named_with_what_it_should_be(string key, string value, string expected)
    {
        var message = Refused(key, value);
        Assert.Contains($"{key} = '{value}'", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Sessions:IdleTimeout", "00:04:59", "00:05:00 to 90.00:00:00")]
    [InlineData("Sessions:IdleTimeout", "90.00:00:01", "00:05:00 to 90.00:00:00")]
    [InlineData("Sessions:RefreshGrace", "-00:00:01", "00:00:00 to 00:01:00")]
    [InlineData("Sessions:MaxPerUser", "0", "1 to 1000")]
    [InlineData("Sessions:MaxPerUser", "1001", "1 to 1000")]
    [InlineData("Passwords:MemoryKiB", "19455", "19456 to 1048576")]
    [InlineData("Database:PoolMaximum", "1001", "1 to 1000")]
    [InlineData("Database:DataFolder", "", "DataFolder")]
    [InlineData("Tokens:Issuer", "https://a.example/", "trailing slash")]
    [InlineData("Tokens:Issuer", "not a url", "Issuer")]
    public void A_value_out_of_range_is_named_with_its_range(string key, string value, string expected)
    {
        var message = Refused(key, value);
        Assert.Contains(key, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_over_two_keys_is_named_by_the_first() =>
        Assert.Contains("Passwords:MemoryKiB = '19456' is not valid: With one iteration", Refused("Passwords:Iterations", "1"), StringComparison.Ordinal);

    // The ends of a range are part of it.
    [Theory]
    [InlineData("Sessions:IdleTimeout", "00:05:00")]
    [InlineData("Sessions:IdleTimeout", "90.00:00:00")]
    [InlineData("Sessions:RefreshGrace", "00:00:00")]
    [InlineData("Sessions:MaxPerUser", "1000")]
    [InlineData("Database:PoolMaximum", "10")]
    public void A_value_at_the_end_of_its_range_is_taken(string key, string value) => BindAny(key, value);

    // "Registration:Enabled:" with something below it was read as false: registration off without a word.
    [Theory]
    [InlineData("Registration:Enabled")]
    [InlineData("Sessions:IdleTimeout")]
    [InlineData("Database:DataFolder")]
    public void A_section_where_a_value_belongs_is_refused(string key) =>
        Assert.Contains(key, Refused(key + ":Deeper", "true"), StringComparison.Ordinal);

    [Theory]
    [InlineData("Registration:Enabled")]
    [InlineData("Sessions:MaxPerUser")]
    public void Null_is_no_value_where_one_is_needed(string key) => Assert.Contains(key, Refused(key, null), StringComparison.Ordinal);

    // Messages end in terminals, logs and tickets.
    [Fact]
    public void A_secret_is_not_repeated_also_when_it_is_wrong()
    {
        var message = Refused<SecretOptions>("Secrets", ("SigningKey", "hunter2-key"), ("Password", "hunter2-password"), ("PlainName", "shown"));
        Assert.DoesNotContain("hunter2", message, StringComparison.Ordinal);
        Assert.Contains("shown", message, StringComparison.Ordinal);
        Assert.Contains("Secrets:SigningKey = '…'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_fault_of_a_section_is_said_at_once()
    {
        var message = Refused<SessionOptions>("Sessions", ("IdleTimeout", "00:00:01"), ("MaxPerUser", "0"));
        Assert.Contains("Sessions:IdleTimeout", message, StringComparison.Ordinal);
        Assert.Contains("Sessions:MaxPerUser", message, StringComparison.Ordinal);
    }

    private static string Refused(string key, string? value) => Assert.Throws<SettingsException>(() => BindAny(key, value)).Message;

    private static string Refused<T>(string section, params (string, string?)[] values) where T : class, new() =>
        Assert.Throws<SettingsException>(() => Bind<T>(section, values)).Message;

    private static object BindAny(string key, string? value)
    {
        var parts = key.Split(':', 2);
        return parts[0] switch
        {
            "Sessions" => Bind<SessionOptions>("Sessions", (parts[1], value)),
            "Registration" => Bind<RegistrationOptions>("Registration", (parts[1], value)),
            "Passwords" => Bind<PasswordOptions>("Passwords", (parts[1], value)),
            "Database" => Bind<DatabaseOptions>("Database", (parts[1], value)),
            "Tokens" => Bind<TokenOptions>("Tokens", (parts[1], value)),
            _ => throw new ArgumentOutOfRangeException(nameof(key)),
        };
    }

    private static T Bind<T>(string section, params (string Key, string? Value)[] values) where T : class, new() =>
        Settings.Bind<T>(new ConfigurationBuilder().AddInMemoryCollection(values.Select(v => KeyValuePair.Create($"{section}:{v.Key}", v.Value))).Build(), section);

    private sealed class SecretOptions
    {
        [System.ComponentModel.DataAnnotations.StringLength(3)]
        public string SigningKey { get; set; } = "";

        [System.ComponentModel.DataAnnotations.StringLength(3)]
        public string Password { get; set; } = "";

        [System.ComponentModel.DataAnnotations.StringLength(3)]
        public string PlainName { get; set; } = "";
    }
}
