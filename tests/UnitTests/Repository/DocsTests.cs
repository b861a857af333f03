using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AuthService.Audit;
using AuthService.Installation;
using UnitTests.Installation;

namespace UnitTests.Repository;

/// <summary>A setting is written in three places: its options class, <c>appsettings.json</c>, <c>docs/configuration.md</c>. They say the same.</summary>
public partial class DocsTests
{
    [Fact]
    public void Every_section_that_is_bound_is_listed_for_these_tests()
    {
        var bound =
            from file in RepositoryRoot.Sources("src/AuthService")
            from Match use in Bound().Matches(RepositoryRoot.Read("src/AuthService", file))
            select (Section: use.Groups["section"].Value, Options: use.Groups["options"].Value);
        Assert.Equal(Sections.All.Select(s => (s.Key, s.Value.Name)).Order(), bound.Distinct().Order());
    }

    // Change a default in a class and not in the file, or the other way round, and this names it.
    [Fact]
    public void The_file_has_every_key_with_its_default()
    {
        var file = JsonNode.Parse(RepositoryRoot.Read("src", "AuthService", "appsettings.json"))!.AsObject();
        foreach (var (section, type) in Sections.All)
        {
            var keys = Sections.Keys(type).Where(k => !Sections.NotInTheFile.Contains($"{section}:{k.Name}")).ToList();
            var values = file[section]!.AsObject();
            Assert.Equal(keys.Select(k => k.Name), values.Select(v => v.Key));
            var defaults = Activator.CreateInstance(type)!;
            foreach (var key in keys) Assert.True(Text(key, defaults) == values[key.Name]!.ToString().Replace("True", "true", StringComparison.Ordinal), $"{section}:{key.Name} is {Text(key, defaults)} in the class and {values[key.Name]} in the file");
        }

        foreach (var name in Sections.NotInTheFile) Assert.False(file[name.Split(':')[0]]!.AsObject().ContainsKey(name.Split(':')[1]), $"{name} is in the file");
    }

    [Fact]
    public void The_file_is_one_that_can_be_started_with()
    {
        var configuration = new ConfigurationBuilder().AddJsonFile(RepositoryRoot.PathOf("src", "AuthService", "appsettings.json")).Build();
        foreach (var (section, type) in Sections.All)
        {
            typeof(Settings).GetMethod(nameof(Settings.Bind))!.MakeGenericMethod(type).Invoke(null, [configuration, section]);
        }
    }

    // Leave a key out of the page, or write another default there, and this names it.
    [Fact]
    public void The_page_has_every_section_with_every_key_and_its_default_and_no_others()
    {
        var page = RepositoryRoot.Read("docs", "configuration.md");
        var sections = page.Split("\n## ").Skip(1).ToDictionary(s => s.Split('\n')[0].Trim(), s => s, StringComparer.Ordinal);
        foreach (var (section, type) in Sections.All)
        {
            Assert.True(sections.TryGetValue(section, out var text), $"docs/configuration.md has no '## {section}'");
            var rows = Row().Matches(text!).ToDictionary(m => m.Groups["key"].Value, m => m.Groups["default"].Value.Trim(), StringComparer.Ordinal);
            var defaults = Activator.CreateInstance(type)!;
            foreach (var key in Sections.Keys(type))
            {
                Assert.True(rows.Remove(key.Name, out var said), $"docs/configuration.md, section {section}: no row | `{key.Name}` | …");
                var expected = Text(key, defaults) is { } value ? $"`{value}`" : "none";
                Assert.True(expected == said, $"docs/configuration.md says {section}:{key.Name} = {said}; the class says {expected}");
            }

            Assert.True(rows.Count == 0, $"docs/configuration.md, section {section}, has rows nobody reads: {string.Join(", ", rows.Keys)}");
        }
    }

    // Add a type to AuditTypes and not to the page, or the other way round, and this names it; so does a type that nobody writes.
    [Fact]
    public void The_page_has_every_type_of_audit_event_that_is_written_and_no_others()
    {
        var types = typeof(AuditTypes).GetFields().ToDictionary(f => f.Name, f => (string)f.GetValue(null)!, StringComparer.Ordinal);
        var page = RepositoryRoot.Read("docs", "audit.md");
        var rows = AuditRow().Matches(page[page.IndexOf("## Types", StringComparison.Ordinal)..]).Select(m => m.Groups["type"].Value);
        Assert.Equal(types.Values.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
        var sources = RepositoryRoot.Sources("src/AuthService").Select(f => RepositoryRoot.Read("src/AuthService", f)).ToList();
        Assert.All(types.Keys, name => Assert.True(sources.Exists(s => s.Contains($"AuditTypes.{name}", StringComparison.Ordinal)), $"nobody writes AuditTypes.{name}"));
    }

    // Every link to a file of ours leads somewhere.
    [Fact]
    public void Links_between_pages_lead_somewhere()
    {
        var broken =
            from folder in new[] { "docs", "." }
            from file in folder == "." ? Directory.EnumerateFiles(RepositoryRoot.Folder, "*.md").Select(Path.GetFileName) : RepositoryRoot.Sources("docs", "*.md").Select(f => "docs/" + f)
            from Match link in Link().Matches(RepositoryRoot.Read(file!))
            let target = link.Groups["target"].Value
            where !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal) && target[0] != '#'
            let path = Path.Combine(Path.GetDirectoryName(RepositoryRoot.PathOf(file!))!, target.Split('#')[0])
            where !File.Exists(path) && !Directory.Exists(path)
            select $"{file}: {target}";
        Assert.Empty(broken);
    }

    private static string? Text(PropertyInfo key, object options) => key.GetValue(options) switch
    {
        null => null,
        bool value => value ? "true" : "false",
        var value => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(@"Settings\.Bind<(?<options>\w+)>\([^""]*""(?<section>\w+)""\)")]
    private static partial Regex Bound();

    [GeneratedRegex(@"^\| `(?<key>[A-Za-z0-9]+)` \|(?<default>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| `(?<type>[a-z]+_[a-z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex AuditRow();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();
}
