using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>Processes of <see cref="GrantsNode"/> on one database, what is done to them, and what they have recorded.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    public const int Nodes = 3;

    private readonly NodeSetup _setup;
    private readonly CancellationToken _ct;
    private readonly List<Member> _members = [];

    private Fleet(NodeSetup setup, CancellationToken ct) => (_setup, _ct) = (setup, ct);

    public static async Task<Fleet> StartAsync(
        string connectionString, string folder, CancellationToken ct, Mechanisms disabled = Mechanisms.None, int seed = 1, int batch = 40, bool writes = true,
        bool leaseByHeartbeat = false, double retentionSeconds = 5)
    {
        await using (var db = NpgsqlDataSource.Create(connectionString + ";Pooling=false"))
        {
            await using var make = db.CreateCommand(
                $"""
                CREATE TABLE grants (subject integer PRIMARY KEY, role integer NOT NULL, seq bigint NOT NULL) WITH (fillfactor = 20);
                INSERT INTO grants SELECT s, s % {NodeSetup.Roles}, 1 FROM generate_series(0, {NodeSetup.Subjects + NodeSetup.Reserved - 1}) s;
                """);
            await make.ExecuteNonQueryAsync(ct);
        }

        var fleet = new Fleet(new NodeSetup(connectionString, folder, 0, Nodes, seed, disabled, LeaseSeconds: 0.5, RetentionSeconds: retentionSeconds, batch, writes, leaseByHeartbeat), ct);
        new Board($"{folder}/board", Nodes).Dispose();
        await fleet.AddAsync(0);   // makes the schema
        await Task.WhenAll(Enumerable.Range(1, Nodes - 1).Select(fleet.AddAsync));
        return fleet;
    }

    /// <summary>A process in the place of a node, which may have been killed.</summary>
    public async Task AddAsync(int node)
    {
        var setup = JsonSerializer.Serialize(_setup with { Node = node });
        var process = Process.Start(new ProcessStartInfo("dotnet", ["exec", typeof(Fleet).Assembly.Location, "grants-node", setup])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_gcServer"] = "0", ["DOTNET_TieredPGO"] = "0" },
        })!;
        var member = new Member(node, process);
        lock (_members) _members.Add(member);
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(_ct));
    }

    public Task RunForAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, _ct);

    /// <summary>Tells a node to change a reserved subject; false when it could not.</summary>
    public async Task<(bool Done, long Seq)> TellAsync(int node, string what, int reserved, long seq = 0)
    {
        var process = Of(node).Process;
        await process.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{what} {NodeSetup.Subjects + reserved} {seq}").AsMemory(), _ct);
        await process.StandardInput.FlushAsync(_ct);
        var answer = (await process.StandardOutput.ReadLineAsync(_ct))!.Split(' ');
        return answer[0] == "ok" ? (true, long.Parse(answer[1], CultureInfo.InvariantCulture)) : (false, 0);
    }

    public Task PauseAsync(int node) => Signals.SendAsync(Of(node).Process.Id, "STOP");

    public Task GoOnAsync(int node) => Signals.SendAsync(Of(node).Process.Id, "CONT");

    public async Task KillAsync(int node)
    {
        var member = Of(node);
        member.IsDead = true;
        member.Process.Kill();
        await member.Process.WaitForExitAsync(_ct);
    }

    /// <summary>Ends the run and judges it.</summary>
    public async Task<Verdict> FinishAsync()
    {
        foreach (var member in _members.Where(m => !m.IsDead))
        {
            await member.Process.StandardInput.WriteLineAsync("stop".AsMemory(), _ct);
            await member.Process.StandardInput.FlushAsync(_ct);
        }

        foreach (var member in _members.Where(m => !m.IsDead))
        {
            var last = await member.Process.StandardOutput.ReadLineAsync(_ct);
            Assert.True(last?.StartsWith("done", StringComparison.Ordinal), $"Node {member.Node} ended early: {await member.Errors.WaitAsync(_ct)}");
            await member.Process.WaitForExitAsync(_ct);
        }

        var answers = Directory.EnumerateFiles(_setup.Folder, "answers.*").SelectMany(Records<Answered>.Read).ToArray();
        var streams = Directory.EnumerateFiles(_setup.Folder, "checks.*").Select(Records<Check>.Read).ToArray();
        return History.Judge(answers, streams);
    }

    /// <summary>Ends the run, which must have been free of stale answers and full of checks where they could be.</summary>
    public async Task PassAsync(string name, ITestOutputHelper output)
    {
        var verdict = await FinishAsync();
        output.WriteLine($"{name}: {verdict}");
        Assert.True(verdict.StaleCount == 0, verdict.ToString());
        Assert.InRange(verdict.SoonAfter, 100, verdict.Checks);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            if (!member.Process.HasExited) member.Process.Kill();
            await member.Process.WaitForExitAsync(CancellationToken.None);
            member.Process.Dispose();
        }
    }

    private Member Of(int node) => _members.Last(m => m.Node == node);

    private sealed class Member(int node, Process process)
    {
        public int Node => node;
        public Process Process => process;

        /// <summary>What it wrote on standard error, once it has ended: why it did.</summary>
        public Task<string> Errors { get; } = process.StandardError.ReadToEndAsync();

        public bool IsDead { get; set; }
    }
}

/// <summary>Signals that .NET can't send.</summary>
internal static class Signals
{
    public static async Task SendAsync(int process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
