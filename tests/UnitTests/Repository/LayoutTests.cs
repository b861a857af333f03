using System.Text.RegularExpressions;

namespace UnitTests.Repository;

/// <summary>Where things may be and who may know whom. A new edge is a line here, which a reviewer sees.</summary>
public partial class LayoutTests
{
    /// <summary>Which feature may call which other's use cases. There are no circles among them.</summary>
    private static readonly Dictionary<string, string[]> Edges = new(StringComparer.Ordinal)
    {
        ["AccessControl"] = ["Authorization", "Sessions"],
        ["AuditEvents"] = [],
        ["Authentication"] = ["Email", "Roles", "Sessions", "Users"],
        ["Authorization"] = [],
        ["Bootstrap"] = ["Authorization", "Roles", "Users"],
        ["CacheAdministration"] = ["Authorization"],
        ["DatabaseAdministration"] = [],
        ["Email"] = [],
        ["Events"] = ["Authorization", "Sessions"],
        ["JobAdministration"] = [],
        ["Permissions"] = ["Authorization"],
        ["Roles"] = ["Authorization", "Permissions"],
        ["Sessions"] = ["Authorization", "Email"],
        ["SigningKeys"] = [],
        ["Status"] = ["Authorization", "Sessions"],
        ["SystemSettings"] = [],
        ["UserImport"] = ["Roles", "Users"],
        ["Users"] = ["Authorization", "Roles", "Sessions"],
        ["Webhooks"] = [],
    };

    /// <summary>What serves every feature knows none of them. The table of contents knows all.</summary>
    private static readonly string[] MayNameFeatures = ["Cli"];

    /// <summary>Names that say that nobody knew where the thing belongs.</summary>
    private static readonly string[] Nowhere = ["Manager", "Helper", "Helpers", "Util", "Utils", "Common", "Base", "Provider", "Core", "Shared", "Impl", "Dto"];

    // Add "using AuthService.Features.Users;" to a file of Sessions and this fails; so does a feature that is not in the list.
    [Fact]
    public void Features_call_the_features_they_are_said_to_call_and_no_others()
    {
        var found = Edges.Keys.ToDictionary(k => k, _ => new SortedSet<string>(StringComparer.Ordinal), StringComparer.Ordinal);
        foreach (var file in RepositoryRoot.Sources("src/AuthService/Features"))
        {
            var feature = file.Split('/')[0];
            Assert.True(found.ContainsKey(feature), $"Features/{feature} is not in the list of edges");
            found[feature].UnionWith(NamedFeatures(RepositoryRoot.Read("src/AuthService/Features", file)).Where(named => named != feature));
        }

        foreach (var (feature, allowed) in Edges) Assert.Equal(allowed, found[feature]);
    }

    [Fact]
    public void Features_do_not_call_each_other_in_circles()
    {
        foreach (var feature in Edges.Keys)
        {
            var reached = new HashSet<string>(StringComparer.Ordinal);
            var next = new Queue<string>(Edges[feature]);
            while (next.TryDequeue(out var named))
            {
                if (reached.Add(named)) foreach (var further in Edges[named]) next.Enqueue(further);
            }

            Assert.DoesNotContain(feature, reached);
        }
    }

    [Fact]
    public void What_serves_every_feature_knows_none()
    {
        var found =
            from file in RepositoryRoot.Sources("src/AuthService")
            where !file.StartsWith("Features/", StringComparison.Ordinal) && !MayNameFeatures.Contains(file.Split('/')[0])
            from named in NamedFeatures(RepositoryRoot.Read("src/AuthService", file))
            select $"{file} names {named}";
        Assert.Empty(found);
    }

    // The analyzer IDE0130 says so while building; this says so where somebody turned it off. Move a file without its namespace and it fails.
    [Theory]
    [InlineData("src/AuthService", "AuthService")]
    [InlineData("src/AuthService.Client", "AuthService.Client")]
    [InlineData("src/SolidCache", "SolidCache")]
    [InlineData("tests/UnitTests", "UnitTests")]
    [InlineData("tests/IntegrationTests", "IntegrationTests")]
    public void Namespaces_follow_folders(string project, string root)
    {
        foreach (var file in RepositoryRoot.Sources(project))
        {
            if (Namespace().Match(RepositoryRoot.Read(project, file)) is not { Success: true } match) { Assert.Equal("Program.cs", file); continue; }
            var folder = Path.GetDirectoryName(file)!.Replace('\\', '/').Replace('/', '.');
            Assert.True(match.Groups["name"].Value == (folder.Length == 0 ? root : $"{root}.{folder}"), $"{project}/{file} is in namespace {match.Groups["name"].Value}");
        }

        var settings = RepositoryRoot.Read(".editorconfig");
        Assert.Contains("dotnet_diagnostic.IDE0130.severity = warning", settings, StringComparison.Ordinal);
        Assert.Contains("<EnforceCodeStyleInBuild>true</EnforceCodeStyleInBuild>", RepositoryRoot.Read("Directory.Build.props"), StringComparison.Ordinal);
        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", RepositoryRoot.Read("Directory.Build.props"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    public void Files_and_folders_are_named_for_what_they_are(string folder)
    {
        var found =
            from file in RepositoryRoot.Sources(folder)
            from name in Path.ChangeExtension(file, null).Split('/')
            where Words().Matches(name).Any(word => Nowhere.Contains(word.Value, StringComparer.Ordinal))
            select file;
        Assert.Empty(found);
    }

    [Fact]
    public void Implementations_are_internal_and_sealed()
    {
        var types = typeof(AuthService.Problem).Assembly.GetTypes()
            .Where(t => t.Namespace?.StartsWith("AuthService", StringComparison.Ordinal) == true && !t.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), inherit: false));
        Assert.Empty(types.Where(t => t.IsPublic).Select(t => t.FullName));
        Assert.Empty(types.Where(t => t is { IsClass: true, IsAbstract: false, IsSealed: false, IsNested: false }).Select(t => t.FullName));
    }

    // A test file stands where what it tests stands.
    [Theory]
    [InlineData("tests/UnitTests")]
    [InlineData("tests/IntegrationTests")]
    public void Folders_of_tests_are_folders_of_the_source(string tests)
    {
        string[] own = ["Repository", "Jose", "Freshness", "Deploy"];
        static bool IsOfTheSource(string folder) =>
            Directory.Exists(RepositoryRoot.PathOf("src/AuthService", folder)) ||
            folder.Split('/')[0] == "SolidCache" && Directory.Exists(RepositoryRoot.PathOf("src", folder));
        var folders = RepositoryRoot.Sources(tests).Select(f => Path.GetDirectoryName(f)!.Replace('\\', '/')).Where(f => f.Length > 0).Distinct(StringComparer.Ordinal);
        Assert.All(folders, f => Assert.True(own.Contains(f.Split('/')[0]) || IsOfTheSource(f), f));
    }

    private static IEnumerable<string> NamedFeatures(string source) => Feature().Matches(source).Select(m => m.Groups["name"].Value);

    [GeneratedRegex(@"\bFeatures\.(?<name>[A-Z][A-Za-z]+)\b(?=[;.])")]
    private static partial Regex Feature();

    [GeneratedRegex(@"^namespace (?<name>[A-Za-z.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex("[A-Z][a-z]+(?![a-z0-9])")]   // not the Base of Base64
    private static partial Regex Words();
}
