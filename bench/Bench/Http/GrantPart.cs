using Bench.Report;

namespace Bench.Http;

/// <summary>How long an administrator waits until a grant or a revocation counts everywhere: with one node, and with three.</summary>
internal static class GrantPart
{
    private const int Changes = 500;

    /// <summary>A young node waits longer than one that has settled.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    public static async Task RunAsync(Scene scene)
    {
        Tell("grant or revoke until 2xx, 1 node", await TimesMsAsync(scene, Changes, Settle, scene.Service));
        await using var second = await scene.Target.StartAsync();
        await using var third = await scene.Target.StartAsync();
        Tell("grant or revoke until 2xx, 3 nodes", await TimesMsAsync(scene, Changes, Settle, scene.Service, second, third));

        void Tell(string what, List<double> times)
        {
            var p99 = Figures.Percentile(times, 0.99);
            scene.Report.Find(what, $"p50 {Figures.Median(times):F2}, p99 {p99:F2} ms", p99, Bar.AtMost(300, 50, " ms"));
        }
    }

    /// <param name="changes">At least so many.</param>
    /// <param name="rest">Before the first of them.</param>
    /// <param name="nodes">All there are; they are asked in turn.</param>
    public static async Task<List<double>> TimesMsAsync(Scene scene, int changes, TimeSpan rest, params ServerProcess[] nodes)
    {
        await scene.Target.ExecuteAsync("INSERT INTO roles (name) VALUES ('granted') ON CONFLICT DO NOTHING");
        var role = await scene.Target.ReadAsync<long>("SELECT id FROM roles WHERE name = 'granted'");
        var users = await scene.Target.ReadAsync<long[]>($"SELECT ARRAY(SELECT id FROM users ORDER BY id DESC LIMIT {changes})");
        await Task.Delay(rest, TimeProvider.System);
        foreach (var node in nodes) await ChangeAsync(node, users[0]);   // the first of its kind compiles
        var times = new List<double>();
        for (var i = 0; times.Count < changes; i++) times.AddRange(await ChangeAsync(nodes[i % nodes.Length], users[i]));
        return times;

        async Task<double[]> ChangeAsync(ServerProcess node, long user) =>
        [
            await scene.TimeMsAsync(node, HttpMethod.Put, $"/api/v1/users/{user}/roles/{role}"),
            await scene.TimeMsAsync(node, HttpMethod.Delete, $"/api/v1/users/{user}/roles/{role}"),
        ];
    }
}
