using System.Globalization;
using UnitTests.Installation;
using UnitTests.Repository;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace UnitTests.Deploy;

/// <summary>What the files of <c>deploy/</c> say to the service, read as the service would.</summary>
internal static class DeployedSettings
{
    /// <summary>Keys that are no section's: those of <c>docs/configuration.md</c>, "Connection strings and addresses".</summary>
    private static readonly string[] Others =
        ["ConnectionStrings:Primary", "ConnectionStrings:Replica", "ConnectionStrings:Redis", "Urls", "AUTH_BOOTSTRAP_ADMIN_EMAIL", "AUTH_BOOTSTRAP_ADMIN_PASSWORD"];

    /// <summary>Settings as the service takes them from its environment. Fails on a key nobody reads and on a value out of range.</summary>
    public static IConfiguration Read(string file, IEnumerable<KeyValuePair<string, string?>> environment)
    {
        var settings = environment.Select(e => KeyValuePair.Create(e.Key.Replace("__", ":", StringComparison.Ordinal), e.Value)).ToList();
        foreach (var (key, _) in settings)
            Assert.True(Others.Contains(key, StringComparer.Ordinal) || Sections.All.ContainsKey(key.Split(':')[0]), $"{file} sets {key}, which is not in docs/configuration.md");

        var configuration = new ConfigurationBuilder()
            .AddJsonFile(RepositoryRoot.PathOf("src", "AuthService", "appsettings.json"))
            .AddJsonFile(RepositoryRoot.PathOf("src", "AuthService", "appsettings.Production.json"))
            .AddInMemoryCollection(settings).Build();
        foreach (var (section, type) in Sections.All)
        {
            var failure = Record.Exception(() => typeof(AuthService.Installation.Settings).GetMethod(nameof(AuthService.Installation.Settings.Bind))!.MakeGenericMethod(type).Invoke(null, [configuration, section]));
            Assert.True(failure is null, $"{file}: {failure?.InnerException?.Message}");
        }

        return configuration;
    }

    /// <summary>A YAML file with its anchors and merges resolved.</summary>
    public static YamlValue Yaml(params string[] path)
    {
        using var text = new StringReader(RepositoryRoot.Read(path));
        return new YamlValue(new DeserializerBuilder().WithDuplicateKeyChecking().Build().Deserialize<object>(new MergingParser(new Parser(text))));
    }

    /// <summary>Seconds of a Compose or systemd duration in whole seconds, such as <c>40s</c>.</summary>
    public static TimeSpan Duration(string text) => TimeSpan.FromSeconds(int.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture));

    /// <summary>How long a node may take to stop by its settings.</summary>
    public static TimeSpan Stopping(IConfiguration configuration) =>
        configuration.GetValue<TimeSpan>("Http:DrainTime") + configuration.GetValue<TimeSpan>("Http:ShutdownTimeout");
}

/// <summary>A node of a YAML document. What isn't there is null or empty, so that a test says what it misses.</summary>
internal sealed record YamlValue(object? Node)
{
    public YamlValue this[string key] => new((Node as IDictionary<object, object>)?.TryGetValue(key, out var value) == true ? value : null);

    public string? Text => Node as string;

    public IEnumerable<YamlValue> Items => (Node as IEnumerable<object>)?.Select(item => new YamlValue(item)) ?? [];

    public IEnumerable<KeyValuePair<string, YamlValue>> Members =>
        (Node as IDictionary<object, object>)?.Select(m => KeyValuePair.Create((string)m.Key, new YamlValue(m.Value))) ?? [];
}
