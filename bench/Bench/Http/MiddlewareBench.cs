using System.Diagnostics;
using AuthService.Cli;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Sessions;
using AuthService.Http;
using AuthService.Tokens;
using Microsoft.Extensions.Validation;
using Spectre.Console;

namespace Bench.Http;

/// <summary>
/// What each of the middlewares costs a permission check: processor time and bytes of the whole process, divided by the requests. The nodes differ in nothing else and take
/// turns in this process, one at a time, since telemetry hears all that measures in a process; the load comes from another one.
/// </summary>
internal static class MiddlewareBench
{
    private const int Seconds = 3;
    private const int WarmUpSeconds = 6;   // each node makes code of its own, which the runtime compiles twice
    private const int Users = 1_000;

    private static readonly string[] NoLog = ["--Http:RequestLog=None"];
    private static readonly string[] NoTimes = ["--Http:ResponseTimes=false", "--Http:SlowRequest=00:00:00"];

    private static readonly string[] NoTelemetry = ["--Telemetry:Enabled=false"];

    private static readonly Variant[] Variants =
    [
        new("none of them", [.. NoLog, .. NoTimes, .. NoTelemetry], false),
        new("request log", [.. NoTimes, .. NoTelemetry], false),
        new("validation", [.. NoLog, .. NoTimes, .. NoTelemetry], true),
        new("times and slow requests", [.. NoLog, .. NoTelemetry], false),
        new("telemetry", [.. NoLog, .. NoTimes], false),
        new("all, as it ships", [], true),
        new("all, every request logged", ["--Http:RequestLog=All"], true),
        new("all, with bodies", ["--Http:RequestLog=All", "--Http:LogBodies=true"], true),
    ];

    public static async Task<int> RunAsync()
    {
        var standardOutput = Console.Out;
        Console.SetOut(TextWriter.Null);   // lines are made and written, and go nowhere
        await using var target = await Target.CreateAsync(Users);
        string access;
        await using (var first = await Node.StartAsync(target, Variants[0])) access = await WriteTokensAsync(target, first);
        var rounds = Variants.Select(_ => new List<Round>()).ToList();
        for (var round = 0; round < Scene.Rounds; round++)
        {
            for (var i = 0; i < Variants.Length; i++)
            {
                await using var node = await Node.StartAsync(target, Variants[i]);
                await LoadAsync(node, access, WarmUpSeconds);
                rounds[i].Add(await LoadAsync(node, access, Seconds));
            }
        }

        Console.SetOut(standardOutput);
        var table = new Table().AddColumns("POST /authz/check with", "requests/s", "µs of processor", "more", "bytes", "more", "p99 ms", "failed");
        for (var i = 0; i < Variants.Length; i++)
        {
            double Of(int node, Func<Round, double> figure) => Figures.Median(rounds[node].Select(figure));
            table.AddRow(
                Variants[i].Name, Figures.Text($"{Of(i, r => r.PerSecond):N0}"), Figures.Text($"{Of(i, r => r.Microseconds):F2}"), Figures.Text($"{Of(i, r => r.Microseconds) - Of(0, r => r.Microseconds):F2}"),
                Figures.Text($"{Of(i, r => r.Bytes):N0}"), Figures.Text($"{Of(i, r => r.Bytes) - Of(0, r => r.Bytes):N0}"), Figures.Text($"{Of(i, r => r.P99Ms):F2}"), Figures.Text($"{rounds[i].Sum(r => r.Failed)}"));
        }

        Tables.Write(table);
        return 0;
    }

    private static async Task<Round> LoadAsync(Node node, string access, int seconds)
    {
        using var process = Process.GetCurrentProcess();
        var (cpu, bytes) = (process.TotalProcessorTime, GC.GetTotalAllocatedBytes());
        var result = await Wrk.RunAsync(node.Address, "check.lua", Scene.Connections, seconds, ("ACCESS", access));
        process.Refresh();
        return new Round(result.PerSecond, (process.TotalProcessorTime - cpu).TotalMicroseconds / result.Requests, (GC.GetTotalAllocatedBytes() - bytes) / (double)result.Requests, result.P99Ms, result.Failed);
    }

    /// <summary>Sessions of all accounts, in the form <c>check.lua</c> reads.</summary>
    private static async Task<string> WriteTokensAsync(Target target, Node node)
    {
        var lines = new List<string>();
        foreach (var id in await target.ReadAsync<long[]>("SELECT array_agg(id) FROM users"))
        {
            if (await node.TryOpenSessionAsync(id) is { } token) lines.Add(token + " res1:read");
        }

        var file = target.InFolder("access");
        await File.WriteAllLinesAsync(file, lines);
        return file;
    }

    private sealed record Variant(string Name, string[] Settings, bool Validates);

    private sealed record Round(double PerSecond, double Microseconds, double Bytes, double P99Ms, long Failed);

    private sealed class Node(WebApplication app, Npgsql.NpgsqlDataSource db) : IAsyncDisposable
    {
        public Uri Address { get; } = new(app.Urls.First());

        public static async Task<Node> StartAsync(Target target, Variant variant)
        {
            var builder = CommandHost.CreateBuilder([.. variant.Settings, "--urls=http://127.0.0.1:0"]);
            var db = DataSources.Create(target.ConnectionString, new DatabaseOptions { PoolMinimum = 1, PoolMaximum = 5 }, loggers: null);
            var masterKey = MasterKey.ReadFile(target.MasterKeyFile, mayCreate: true);
            var app = AuthServer.Build(builder, db, target.ConnectionString, new TokenOptions(), () => masterKey, services =>
            {
#pragma warning disable ASP0029 // Where it is changed, this says so.
                if (!variant.Validates) services.Configure<ValidationOptions>(validation => validation.Resolvers.Clear());
#pragma warning restore ASP0029
            });
            await app.StartAsync();
            return new Node(app, db);
        }

        public async Task<string?> TryOpenSessionAsync(long userId)
        {
            var identity = new ProvedIdentity(new SignedInUser(userId, "", "", null), await VersionAsync(userId), ["pwd"]);
            return (await app.Services.GetRequiredService<StartSession>().ExecuteAsync(identity, Caller.Service, CancellationToken.None))?.AccessToken;
        }

        public async ValueTask DisposeAsync()
        {
            await app.StopAsync();
            await app.DisposeAsync();
            await db.DisposeAsync();
        }

        private async Task<long> VersionAsync(long userId)
        {
            await using var command = db.CreateCommand("SELECT version FROM users WHERE id = $1");
            command.Parameters.AddWithValue(userId);
            return (long)(await command.ExecuteScalarAsync())!;
        }
    }
}
