using SolidCache;

namespace UnitTests.SolidCache;

/// <summary>What is out of range is named, with its range, and nothing of the connection string is.</summary>
public class SolidCacheOptionsRulesTests
{
    private static readonly (string Names, string Range, Action<SolidCacheOptions> Spoil)[] Wrong =
    [
        ("ConnectionString", "required", o => o.ConnectionString = ""),
        ("ConnectionString", "form", o => o.ConnectionString = "Host=h;Password=geheim;Nonsense=geheim"),
        ("Schema", "{1,63}", o => o.Schema = "a;b"),
        ("Schema", "required", o => o.Schema = ""),
        ("Schema", "{1,63}", o => o.Schema = new string('x', 64)),
        ("Lanes", "1 and 16", o => o.Lanes = 0),
        ("Lanes", "1 and 16", o => o.Lanes = 17),
        ("MemoryMaxBytes", "1048576", o => o.MemoryMaxBytes = 1000),
        ("MaxBytes", "1048576", o => o.MaxBytes = 1000),
        ("MaxValueBytes", "1024 and 67108864", o => o.MaxValueBytes = 1023),
        ("MaxValueBytes", "1024 and 67108864", o => o.MaxValueBytes = (64 << 20) + 1),
        ("MaxEntryLife", "01:00:00 and 366.00:00:00", o => o.MaxEntryLife = TimeSpan.FromMinutes(59)),
        ("CleanupInterval", "1 s", o => o.CleanupInterval = TimeSpan.FromMilliseconds(999)),
        ("CleanupInterval", "1.00:00:00", o => o.CleanupInterval = TimeSpan.FromDays(2)),
        ("Freshness.", "00:00:00.2000000 and 00:01:00", o => o.Freshness.Lease = TimeSpan.FromMilliseconds(199)),
        ("Freshness.", "00:00:00.0050000 and 00:00:10", o => o.Freshness.PollInterval = TimeSpan.Zero),
        ("Freshness.", "00:00:05 and 1.00:00:00", o => (o.Freshness.Retention, o.Freshness.Lease) = (TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(1))),
        ("Freshness.Retention", "twice", o => (o.Freshness.Retention, o.Freshness.Lease) = (TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(1))),
        ("Freshness.TokenKey", "32", o => o.Freshness.TokenKey = new byte[31]),
        ("Chaos.Postgres.", "0 and 1", o => o.Chaos.Postgres.FailureProbability = 1.01),
        ("Chaos.Memory.", "00:00:00 and 00:01:00", o => o.Chaos.Memory.Delay = TimeSpan.FromMinutes(2)),
        ("Chaos.Redis.", "0 and 1", o => o.Chaos.Redis.FailureProbability = -0.01),
        ("'default': Expiration", "over 0", o => o.DefaultGroup.Expiration = TimeSpan.Zero),
        ("'default': LocalExpiration", "00:18:00", o => o.DefaultGroup.LocalExpiration = TimeSpan.FromMinutes(19)),
        ("'default': LocalExpiration", "over 0", o => o.DefaultGroup.LocalExpiration = TimeSpan.Zero),
        ("'default': NegativeExpiration", "0 or more", o => o.DefaultGroup.NegativeExpiration = TimeSpan.FromTicks(-1)),
        ("'default': Jitter", "0 to 0.5", o => o.DefaultGroup.Jitter = 0.51),
        ("'default': Jitter", "0 to 0.5", o => o.DefaultGroup.Jitter = double.NaN),
        ("'g': EagerRefreshAt", "0.1 to 0.99", o => o.AddGroup("g", "g:", g => g.EagerRefreshAt = 1)),
        ("'g': EagerRefreshAt", "0.1 to 0.99", o => o.AddGroup("g", "g:", g => g.EagerRefreshAt = double.NaN)),
        ("'g': SoftTimeout", "at most 1 d", o => o.AddGroup("g", "g:", g => g.SoftTimeout = TimeSpan.FromDays(2))),
        ("'g': SoftTimeout", "over 0", o => o.AddGroup("g", "g:", g => g.SoftTimeout = TimeSpan.Zero)),
        ("'g': ExpiredFor", "over 0", o => o.AddGroup("g", "g:", g => g.ExpiredFor = TimeSpan.Zero)),
        ("'g': OneLoaderPerCluster", "InPostgres", o => o.AddGroup("g", "g:", g => (g.OneLoaderPerCluster, g.InPostgres) = (true, false))),
    ];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Wrong.Length)];

    // Drop a range from the options and its line here fails.
    [Theory]
    [MemberData(nameof(Numbers))]
    public void What_is_out_of_range_is_named_with_its_range(int number)
    {
        var (names, range, spoil) = Wrong[number];
        var options = Good();
        spoil(options);
        var result = new SolidCacheOptionsRules().Validate(null, options);
        Assert.True(result.Failed);
        var message = Assert.Single(result.Failures!);
        Assert.Contains(names, message, StringComparison.Ordinal);
        Assert.Contains(range, message, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_defaults_are_in_range_and_all_that_is_wrong_is_said_at_once()
    {
        Assert.True(new SolidCacheOptionsRules().Validate(null, Good()).Succeeded);
        var options = Good();
        (options.Lanes, options.MaxValueBytes) = (0, 0);
        Assert.Equal(2, new SolidCacheOptionsRules().Validate(null, options).Failures!.Count());
    }

    [Fact]
    public void A_group_has_a_name_and_a_prefix_of_its_own()
    {
        var options = Good().AddGroup("g", "g:");
        foreach (var (name, prefix) in new[] { ("g", "h:"), ("h", "g:"), ("default", "h:"), ("", "h:"), ("h", ""), (new string('x', 64), "h:"), ("h", new string('x', 1025)) })
            Assert.Throws<ArgumentException>(() => options.AddGroup(name, prefix));
        Assert.Throws<ArgumentException>(() => options.AddGroup(null!, "h:"));
        Assert.Throws<ArgumentNullException>(() => options.AddGroup("h", null!));
    }

    private static SolidCacheOptions Good() => new() { ConnectionString = "Host=h;Password=geheim" };
}
