using AuthService.Database.PrivateServer;

namespace IntegrationTests.Deploy;

/// <summary>Compose reads the file with the secrets that <c>make-secrets</c> makes. It checks it against its schema and asks no container engine.</summary>
public class ComposeFileTests(Servers servers) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = servers.TestTimeout;

    [Fact]
    public async Task Compose_reads_the_file()
    {
        await using var folder = await WithSecretsAsync();
        var text = ShippedFiles.Read("compose", "compose.yml");
        var read = await ComposeAsync(folder, text);
        Assert.True(read.ExitCode == 0, read.Errors);
        Assert.All(["authservice-1", "authservice-2", "nginx", "postgres", "redis", "prometheus", "grafana"], service => Assert.Contains($"\n  {service}:\n", read.Output, StringComparison.Ordinal));
        // The environment file was found, merged, and understood.
        Assert.Contains("ConnectionStrings__Primary: Host=postgres;Database=authservice;Username=authservice;Password=", read.Output, StringComparison.Ordinal);

        // The controls: a key it doesn't know, and a value of another kind.
        foreach (var (right, wrong) in new[] { ("stop_grace_period:", "stop_grace_time:"), ("read_only: true", "read_only: perhaps") })
            Assert.NotEqual(0, (await ComposeAsync(folder, text.Replace(right, wrong, StringComparison.Ordinal))).ExitCode);
    }

    [Fact]
    public async Task Secrets_are_made_once_are_not_two_times_the_same_and_only_the_owner_gets_to_them()
    {
        await using var folder = await WithSecretsAsync();
        await using var another = await WithSecretsAsync();
        var secrets = Path.Combine(folder.Path, "secrets");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(secrets));
        foreach (var file in Directory.EnumerateFiles(secrets))
            Assert.NotEqual(await File.ReadAllTextAsync(file, _ct), await File.ReadAllTextAsync(Path.Combine(another.Path, "secrets", Path.GetFileName(file)), _ct));

        var environment = (await File.ReadAllLinesAsync(Path.Combine(secrets, "authservice.env"), _ct)).Select(line => line.Split('=', 2)).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
        Assert.Equal(32, Convert.FromBase64String(environment["Tokens__MasterKey"]).Length);
        var password = await File.ReadAllTextAsync(Path.Combine(secrets, "authservice_db_password"), _ct);
        Assert.True(password.Length >= 30);
        Assert.EndsWith("Password=" + password, environment["ConnectionStrings__Primary"], StringComparison.Ordinal);
        Assert.EndsWith(environment["ConnectionStrings__Redis"].Split("password=")[1], (await File.ReadAllTextAsync(Path.Combine(secrets, "redis.conf"), _ct)).Trim(), StringComparison.Ordinal);

        Assert.NotEqual(0, (await MakeSecretsAsync(folder)).ExitCode);
        Assert.Equal(password, await File.ReadAllTextAsync(Path.Combine(secrets, "authservice_db_password"), _ct));
    }

    private async Task<TestFolder> WithSecretsAsync()
    {
        var folder = new TestFolder();
        var made = await MakeSecretsAsync(folder);
        Assert.True(made.ExitCode == 0, made.Errors);
        return folder;
    }

    private Task<ProgramResult> MakeSecretsAsync(TestFolder folder) =>
        ShippedFiles.RunAsync("bash", [ShippedFiles.PathOf("deploy", "compose", "make-secrets"), folder.Path], folder.Path, "install bash.", _ct);

    private async Task<ProgramResult> ComposeAsync(TestFolder folder, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "compose.yml"), text, _ct);
        return await ShippedFiles.RunAsync("docker-compose", ["-f", "compose.yml", "config"], folder.Path, "run ./dev setup, or install Debian's docker-compose.", _ct);
    }
}
