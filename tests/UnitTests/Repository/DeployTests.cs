using System.Text.RegularExpressions;
using UnitTests.Installation;

namespace UnitTests.Repository;

/// <summary>What the shipped files say about the service is true of it.</summary>
public partial class DeployTests
{
    /// <summary>Sections that are no options class of ours, or one that only some installations have.</summary>
    private static readonly string[] Others = ["ConnectionStrings"];

    public static TheoryData<string> Files => [.. RepositoryRoot.Sources("deploy", "*").Order(StringComparer.Ordinal)];

    // Misspell a key in the ConfigMap, and this names it: the service would name it only when it is started.
    [Theory]
    [MemberData(nameof(Files))]
    public void Settings_are_those_the_service_has(string file)
    {
        foreach (Match use in Setting().Matches(RepositoryRoot.Read("deploy", file)))
        {
            var (section, key) = (use.Groups["section"].Value, use.Groups["key"].Value);
            if (Others.Contains(section)) continue;
            Assert.True(Sections.All.TryGetValue(section, out var options), $"{file}: {use.Value}");
            Assert.Contains(key, Sections.Keys(options).Select(k => k.Name));
        }
    }

    [GeneratedRegex(@"\b(?<section>[A-Z][A-Za-z]+)__(?<key>[A-Z][A-Za-z]+)\b")]
    private static partial Regex Setting();
}
