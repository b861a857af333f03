using System.Diagnostics;
using Npgsql;
using SolidCache;
using Spectre.Console;

namespace Bench.SolidCache;

/// <summary>What nodes cost each other: the idle poll, the wait after a change, how fast news travels, a herd.</summary>
internal static class ClusterBench
{
    public static async Task RunAsync(string connectionString)
    {
        var table = new Table().AddColumns("what", "figure");
        await using var db = NpgsqlDataSource.Create(connectionString);
        await IdleAsync(connectionString, db, table);
        foreach (var nodes in new[] { 1, 3, 5 }) await BarrierAsync(connectionString, nodes, table);
        await PropagationAsync(connectionString, table);
        await HerdAsync(connectionString, table);
        AnsiConsole.Write(table);
    }

    private static async Task IdleAsync(string connectionString, NpgsqlDataSource db, Table table)
    {
        await using var node = await SolidCacheBench.StartNodeAsync(connectionString);
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
        await using var command = db.CreateCommand("SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = 'solid_cache'");
        var backends = (int[])(await command.ExecuteScalarAsync())!;
        var (own, server, started) = (OwnCpu(), backends.Sum(Cpu), Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        table.AddRow("idle node, 10 polls/s: CPU of the process", SideBySide.Text($"{(OwnCpu() - own) / seconds:P2} of a core"));
        table.AddRow("idle node: CPU of its backends", SideBySide.Text($"{(backends.Sum(Cpu) - server) / seconds:P2} of a core"));

        static double OwnCpu()
        {
            using var self = Process.GetCurrentProcess();
            return self.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>User and system time of a process, in seconds (proc(5): fields 14 and 15 of stat, in hundredths).</summary>
    private static double Cpu(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture) + double.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture)) / 100;
    }

    private static async Task BarrierAsync(string connectionString, int count, Table table)
    {
        await using var nodes = await Nodes.StartAsync(connectionString, count);
        await nodes.SettleAsync();
        var times = new List<double>();
        for (var i = 0; i < 400; i++)
        {
            var node = nodes[i % count];
            await using var connection = await nodes.Db.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            var revision = await node.Cache.InvalidateAsync(transaction, [SideBySide.Text($"user:{i}")]);
            await transaction.CommitAsync();
            var committed = Stopwatch.GetTimestamp();
            await node.Cache.BarrierAsync(revision);
            times.Add(Stopwatch.GetElapsedTime(committed).TotalMilliseconds);
        }

        table.AddRow(SideBySide.Text($"barrier after commit, {count} nodes, ms"), SideBySide.Text($"p50 {SideBySide.Percentile(times, 0.5):F2}, p99 {SideBySide.Percentile(times, 0.99):F2}"));
    }

    private static async Task PropagationAsync(string connectionString, Table table)
    {
        await using var nodes = await Nodes.StartAsync(connectionString, 2);
        await nodes.SettleAsync();
        foreach (var isWoken in new[] { true, false })
        {
            var times = new List<double>();
            for (var i = 0; i < (isWoken ? 300 : 50); i++)
            {
                var tag = SideBySide.Text($"canary:{isWoken}:{i}");
                await using var connection = await nodes.Db.OpenConnectionAsync();
                await using var transaction = await connection.BeginTransactionAsync();
                var revision = await nodes[0].Cache.InvalidateAsync(transaction, [tag]);
                await transaction.CommitAsync();
                var committed = Stopwatch.GetTimestamp();
                var wait = isWoken ? nodes[0].Cache.BarrierAsync(revision).AsTask() : Task.CompletedTask;
                while (nodes[1].State.Known.VersionOf(TagHash.Of(tag)) == 0) await Task.Yield();
                times.Add(Stopwatch.GetElapsedTime(committed).TotalMilliseconds);
                await wait;
            }

            table.AddRow(isWoken ? "commit to another node's knowledge, notified, ms" : "the same by the poll alone, ms",
                SideBySide.Text($"p50 {SideBySide.Percentile(times, 0.5):F2}, p99 {SideBySide.Percentile(times, 0.99):F2}"));
        }
    }

    private static async Task HerdAsync(string connectionString, Table table)
    {
        await using var nodes = await Nodes.StartAsync(connectionString, 3, o => o.AddGroup("herd", "herd:", g => g.OneLoaderPerCluster = true));
        var loads = new List<int>();
        var times = new List<double>();
        for (var round = 0; round < SideBySide.Rounds; round++)
        {
            var key = SideBySide.Text($"herd:{Guid.NewGuid():N}");
            var count = 0;
            var started = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => Task.Run(async () => await nodes[i % 3].Cache.GetOrCreateAsync(key, async ct =>
            {
                Interlocked.Increment(ref count);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, ct);
                return "value";
            }))));
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            loads.Add(count);
        }

        table.AddRow("herd of 1,000 on 3 nodes, a load of 50 ms: loads", SideBySide.Text($"{string.Join(", ", loads)} ({SideBySide.Median(times):F0} ms)"));
    }

    private sealed class Nodes(List<CacheNode> nodes, NpgsqlDataSource db) : IAsyncDisposable
    {
        public CacheNode this[int i] => nodes[i];
        public NpgsqlDataSource Db => db;

        public static async Task<Nodes> StartAsync(string connectionString, int count, Action<SolidCacheOptions>? configure = null)
        {
            var nodes = new List<CacheNode>();
            for (var i = 0; i < count; i++) nodes.Add(await SolidCacheBench.StartNodeAsync(connectionString, configure));
            return new Nodes(nodes, NpgsqlDataSource.Create(connectionString));
        }

        /// <summary>In a young incarnation every wait is a full one.</summary>
        public async Task SettleAsync()
        {
            await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System);
            for (var i = 0; i < 20; i++) await nodes[0].Cache.RemoveByTagAsync("warm-up");
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var node in nodes) await node.DisposeAsync();
            await db.DisposeAsync();
        }
    }
}
