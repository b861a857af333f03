using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AuthService.Database.PrivateServer;
using IntegrationTests.Freshness;
using IntegrationTests.Jobs;
using IntegrationTests.SolidCache.Freshness;
using IntegrationTests.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace IntegrationTests.Database;

/// <summary>
/// Another process that owns a data folder, to be killed. The test assembly is a program for this: its <c>Main</c> starts a
/// <see cref="PrivatePostgres"/> on the folder it is given, says "ready" and ends when its input does. Or it is a
/// <see cref="GrantsNode"/>, a <see cref="ServiceNode"/>, a <see cref="JobNode"/>, or the whole of a <see cref="LoadCommand"/>, of <c>load metrics</c> or of <c>load jobs</c>.
/// </summary>
internal sealed class OwnerProcess : IDisposable
{
    private readonly Process _process;

    private OwnerProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public static async Task<int> Main(string[] args)
    {
        if (args is []) return LoadCommand.Explain();
        if (args[0] == "grants-node") return await GrantsNode.RunAsync(JsonSerializer.Deserialize<NodeSetup>(args[1])!);
        if (args[0] == "job-node") return await JobNode.RunAsync(JsonSerializer.Deserialize<JobSetup>(args[1])!);
        if (args[0] == "service-node") return await ServiceNode.RunAsync(JsonSerializer.Deserialize<ServiceSetup>(args[1])!);
        if (args is ["load", "metrics", .. var seconds]) return await DashboardTests.RunLongAsync(seconds.Length > 0 ? int.Parse(seconds[0], CultureInfo.InvariantCulture) : 60);
        if (args is ["load", "jobs", .. var count]) return await JobRuns.RunLongAsync(count.Length > 0 ? int.Parse(count[0], CultureInfo.InvariantCulture) : 10_000);
        if (args[0] == "load") return await LoadCommand.RunAsync(args[1..]);
        await using var postgres = await PrivatePostgres.StartAsync(
            args[0], PrivatePostgresTests.Fast, NullLogger.Instance, CancellationToken.None);
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        return 0;
    }

    public static async Task<OwnerProcess> StartAsync(string folder, CancellationToken ct)
    {
        var owner = Launch(folder);
        var said = await owner._process.StandardOutput.ReadLineAsync(ct);
        Assert.Equal("ready", said);
        return owner;
    }

    /// <summary>Starts it and doesn't wait for the server.</summary>
    public static OwnerProcess Launch(string folder) => new(Process.Start(
        new ProcessStartInfo("dotnet", ["exec", typeof(OwnerProcess).Assembly.Location, folder])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!);

    /// <summary>SIGKILL, and waits until the kernel has taken everything it held.</summary>
    public async Task KillAsync(CancellationToken ct)
    {
        _process.Kill();
        await _process.WaitForExitAsync(ct);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
