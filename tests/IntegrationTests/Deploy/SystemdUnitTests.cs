using AuthService.Database.PrivateServer;

namespace IntegrationTests.Deploy;

/// <summary>systemd reads the unit and judges what it leaves open, without being started.</summary>
public class SystemdUnitTests(Servers servers) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = servers.TestTimeout;

    [Fact]
    public async Task Systemd_reads_the_unit_and_finds_it_closed()
    {
        var unit = ShippedFiles.Read("systemd", "authservice.service");
        Assert.Empty(await VerifyAsync(unit));
        // 1.8 of 10 as it is, by systemd 252; what is left is the network, which it is for, and what the runtime needs. With capabilities it is 3.6.
        Assert.Equal(0, (await SecurityAsync(unit)).ExitCode);
        Assert.NotEqual(0, (await SecurityAsync(unit.Replace("CapabilityBoundingSet=\n", "", StringComparison.Ordinal))).ExitCode);

        // Beside it, for a private PostgreSQL.
        Assert.Empty(await VerifyAsync(unit, ShippedFiles.Read("systemd", "private-postgres.conf")));
        // The control: a word systemd does not know.
        Assert.NotEmpty(await VerifyAsync(unit.Replace("ProtectHome=", "ProtectHouse=", StringComparison.Ordinal)));
    }

    private async Task<string> VerifyAsync(string unit, string? dropIn = null)
    {
        await using var folder = await WriteAsync(unit);
        if (dropIn is not null)
        {
            Directory.CreateDirectory(folder.Path + "/authservice.service.d");
            await File.WriteAllTextAsync(folder.Path + "/authservice.service.d/private-postgres.conf", dropIn, _ct);
        }

        var verified = await AnalyzeAsync("verify", "--man=no", folder.Path + "/authservice.service");
        return string.Join('\n', (verified.Output + verified.Errors).Split('\n').Where(line => line.Contains("authservice", StringComparison.Ordinal)));
    }

    private async Task<ProgramResult> SecurityAsync(string unit)
    {
        await using var folder = await WriteAsync(unit);
        return await AnalyzeAsync("security", "--offline=true", "--no-pager", "--threshold=20", folder.Path + "/authservice.service");
    }

    private async Task<TestFolder> WriteAsync(string unit)
    {
        var folder = new TestFolder();
        // A program that is there: the service isn't installed where it is tested.
        await File.WriteAllTextAsync(folder.Path + "/authservice.service", unit.Replace("/opt/authservice/authservice serve", "/bin/true", StringComparison.Ordinal), _ct);
        return folder;
    }

    private Task<ProgramResult> AnalyzeAsync(params string[] arguments) =>
        ShippedFiles.RunAsync("systemd-analyze", arguments, "/", "run ./dev setup, or install systemd.", _ct);
}
