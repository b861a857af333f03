using System.Diagnostics;
using Bench.Peers;
using Bench.Report;

namespace Bench.Http;

/// <summary>
/// The service under load over HTTP, beside what one would use instead, on one machine and in one run: whatever else the machine does
/// meets both, because they take turns.
/// </summary>
internal static class HttpBench
{
    private const int Users = 100_000;

    /// <summary>In this order: the memory of a node is that of one that has done nothing yet, and what changes roles comes last.</summary>
    private static readonly (string Name, Func<Scene, Task> RunAsync)[] Parts =
    [
        ("memory", MemoryPart.RunAsync),
        ("refresh", RefreshPart.RunAsync),
        ("check", CheckPart.RunAsync),
        ("login", LogInPart.RunAsync),
        ("flood", FloodPart.RunAsync),
        ("miss", MissPart.RunAsync),
        ("mix", MixPart.RunAsync),
        ("grants", GrantPart.RunAsync),
        ("roles", RoleEditPart.RunAsync),
    ];

    /// <summary>What can be asked for by name: the parts, the cold starts before them, and what has nodes of its own after them.</summary>
    public static IEnumerable<string> Names => [ColdStartPart.Name, .. Parts.Select(p => p.Name), RedisPart.Name];

    /// <param name="only">Names of parts; none: all.</param>
    public static async Task<int> RunAsync(string[] only)
    {
        var watch = Stopwatch.StartNew();
        bool IsWanted(string name) => only.Length == 0 || only.Contains(name, StringComparer.Ordinal);
        var report = new Findings();
        await using var target = await Target.CreateAsync(Users);
        await using var peers = new PeerSet(target);
        Tell("seeded");
        if (IsWanted(ColdStartPart.Name)) await ColdStartPart.RunAsync(target, report);
        Tell(ColdStartPart.Name);

        await using var scene = await Scene.OpenAsync(target, peers, report);
        foreach (var part in Parts.Where(p => IsWanted(p.Name)))
        {
            await part.RunAsync(scene);
            Tell(part.Name);
        }

        if (IsWanted(RedisPart.Name))
        {
            // Its nodes are to be the only ones: a change waits for all there are, and this one has no Redis.
            await scene.Service.DisposeAsync();
            await RedisPart.RunAsync(scene);
            Tell(RedisPart.Name);
        }

        report.Write();
        foreach (var peer in peers.Missing) await Console.Out.WriteLineAsync($"{peer.Name} is not here: {peer.Absence}");
        return 0;

        void Tell(string what) => Console.Error.WriteLine(Figures.Text($"{watch.Elapsed.TotalSeconds,4:F0} s  {what}"));
    }
}
