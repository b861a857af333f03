using System.Diagnostics;
using System.Text.Json;
using AuthService.Cli;
using AuthService.Database;
using AuthService.Jobs;
using AuthService.Tokens;
using Npgsql;

namespace IntegrationTests.Jobs;

/// <summary>How a process that runs jobs is started: written on its command line as JSON.</summary>
internal sealed record JobSetup(string ConnectionString, string MasterKey);

/// <summary>
/// The service as a process of the test assembly, with a job that the product hasn't: it notes that it ran, and has an effect that its id makes happen once.
/// Serves until it is killed.
/// </summary>
internal sealed class JobNode : IDisposable
{
    private readonly Process _process;

    private JobNode(Process process) => _process = process;

    public static async Task<int> RunAsync(JobSetup setup)
    {
        var builder = CommandHost.CreateBuilder(["--urls=http://127.0.0.1:0", "--Telemetry:Enabled=false", "--Jobs:FirstRetryDelay=00:00:00.5", "--Logging:Console:FormatterName=simple", "--Logging:LogLevel:Default=Error"]);
        await using var db = DataSources.Create(setup.ConnectionString, new DatabaseOptions { PoolMinimum = 0, PoolMaximum = 20 }, loggers: null);
        var tokens = AuthService.Installation.Settings.Bind<TokenOptions>(builder.Configuration, "Tokens");
        await using var app = AuthServer.Build(builder, db, setup.ConnectionString, tokens, () => MasterKey.Parse(setup.MasterKey, "the setup"), services => services.AddSingleton<IJob, CountRun>());
        await app.StartAsync();
        Console.WriteLine("ready");
        await Console.In.ReadToEndAsync();
        await app.StopAsync();
        return 0;
    }

    /// <summary>Returns when it serves.</summary>
    public static async Task<JobNode> StartAsync(JobSetup setup, CancellationToken ct)
    {
        var node = new JobNode(Process.Start(new ProcessStartInfo("dotnet", ["exec", typeof(JobNode).Assembly.Location, "job-node", JsonSerializer.Serialize(setup)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!);
        while (await node._process.StandardOutput.ReadLineAsync(ct) is { } line && line != "ready") await Console.Error.WriteLineAsync(line);
        return node;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private sealed class CountRun(NpgsqlDataSource db) : IJob
    {
        public string Kind => JobRuns.Kind;

        public async Task<string?> RunAsync(JobRun run, CancellationToken ct)
        {
            // Two commits, as of a service that calls another one: a kill comes between them as well.
            await using (var noted = db.CreateCommand("INSERT INTO runs (job) VALUES ($1)"))
            {
                noted.Parameters.AddWithValue(run.Id);
                await noted.ExecuteNonQueryAsync(ct);
            }

            await using var effect = db.CreateCommand("INSERT INTO effects (job) VALUES ($1) ON CONFLICT DO NOTHING");
            effect.Parameters.AddWithValue(run.Id);
            await effect.ExecuteNonQueryAsync(ct);
            return null;
        }
    }
}
