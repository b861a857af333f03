using System.Text.Json;
using System.Text.RegularExpressions;

namespace IntegrationTests.Deploy;

/// <summary>The Dockerfile as npm's <c>dockerfile-utils</c> reads it, and the health check it ships, against the service. No image is built.</summary>
public partial class DockerfileTests(Servers servers) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = servers.TestTimeout;

    [Fact]
    public async Task It_is_well_formed_and_copies_what_the_build_needs()
    {
        var file = await ReadAsync(ShippedFiles.PathOf("deploy", "docker", "Dockerfile"));
        Assert.Empty(file.Problems);
        Assert.Equal(["serve"], JsonSerializer.Deserialize<string[]>(Assert.Single(file.Of("CMD")))!);
        Assert.Equal("1654:1654", Assert.Single(file.Of("USER")));
        Assert.All(file.Instructions.Where(i => i.Keyword == "FROM"), from => Assert.Matches(@"^mcr\.microsoft\.com/dotnet/(sdk|aspnet):10\.0\.\d+-noble$", from.Arguments[0]));

        // What is copied is there, and let through by .dockerignore, which lets nothing through but what it names.
        var copied = file.Instructions.Where(i => i.Keyword == "COPY" && !i.Flags.Any(f => f.StartsWith("--from", StringComparison.Ordinal))).SelectMany(i => i.Arguments[..^1]).Select(a => a.TrimEnd('/')).ToList();
        Assert.All(copied, path => Assert.True(Path.Exists(ShippedFiles.PathOf(path.Split('/'))), path));
        var ignore = await File.ReadAllLinesAsync(ShippedFiles.PathOf(".dockerignore"), _ct);
        Assert.Equal("*", ignore[1]);
        Assert.Equal(ignore.Where(l => l.StartsWith('!')).Select(l => l[1..]).Order(StringComparer.Ordinal), copied.Order(StringComparer.Ordinal));

        // What the projects that ship take from outside their folders. Embed another file of deploy/ and it has to be copied.
        var outside = from project in new[] { "AuthService", "AuthService.Client", "SolidCache" }
                      from Match use in Outside().Matches(File.ReadAllText(ShippedFiles.PathOf("src", project, project + ".csproj")))
                      select use.Groups["path"].Value;
        Assert.All(outside, path => Assert.Contains(path, copied));
    }

    // The control: a reader that finds nothing wrong with anything would prove nothing.
    [Fact]
    public async Task What_is_wrong_is_named()
    {
        await using var folder = new TestFolder();
        var path = Path.Combine(folder.Path, "Dockerfile");
        await File.WriteAllTextAsync(path, ShippedFiles.Read("docker", "Dockerfile").Replace("EXPOSE 8080", "EXPOSE eight", StringComparison.Ordinal).Replace("\nCMD", "\nCDM", StringComparison.Ordinal), _ct);
        Assert.Equal(2, (await ReadAsync(path)).Problems.Length);
    }

    [Fact]
    public async Task The_health_check_says_yes_to_a_service_that_answers_and_no_to_anything_else()
    {
        await using var database = await servers.CreateDatabaseAsync(_ct);
        int port;
        await using (var node = await Node.StartAsync(database, _ct))
        {
            port = node.Http.BaseAddress!.Port;
            Assert.Equal(0, await CheckAsync(port));
            Assert.Equal(0, await CheckAsync(port, "/health/ready"));
            Assert.NotEqual(0, await CheckAsync(port, "/health/none"));
            // Ended and made anew for a database that is away, it would only be away as well.
            await database.SetReachableAsync(false, _ct);
            await Eventually.TrueAsync(async () => await CheckAsync(port, "/health/ready") != 0, TimeSpan.FromSeconds(20));
            Assert.Equal(0, await CheckAsync(port));
            await database.SetReachableAsync(true, _ct);
        }

        Assert.NotEqual(0, await CheckAsync(port));
    }

    private async Task<int> CheckAsync(int port, params string[] path) =>
        (await ShippedFiles.RunAsync("bash", [ShippedFiles.PathOf("deploy", "docker", "healthcheck"), FormattableString.Invariant($"{port}"), .. path], "/", "install bash.", _ct)).ExitCode;

    private async Task<Dockerfile> ReadAsync(string path)
    {
        var folder = ShippedFiles.PathOf("tests", "IntegrationTests", "Deploy", "Dockerfile");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules", "dockerfile-utils")),
            "npm's dockerfile-utils is not installed: run ./dev setup, or 'npm ci' in tests/IntegrationTests/Deploy/Dockerfile.");
        var read = await ShippedFiles.RunAsync("node", ["read.mjs", path], folder, "run ./dev setup.", _ct);
        Assert.True(read.ExitCode == 0, read.Errors);
        return JsonSerializer.Deserialize<Dockerfile>(read.Output, JsonSerializerOptions.Web)!;
    }

    [GeneratedRegex("\"\\.\\./\\.\\./(?<path>[^\"]+)\"")]
    private static partial Regex Outside();

    private sealed record Dockerfile(Instruction[] Instructions, string[] Problems)
    {
        public IEnumerable<string> Of(string keyword) => Instructions.Where(i => i.Keyword == keyword).Select(i => string.Join(' ', i.Arguments));
    }

    private sealed record Instruction(string Keyword, string[] Arguments, string[] Flags);
}
