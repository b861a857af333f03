using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using AuthService.Caching;
using Spectre.Console;

namespace Bench.Authorization;

/// <summary>
/// One check, "may this account do that?", in this process, over as many accounts as were asked about before. Expect the time to grow
/// only as far as the processor's caches fall short, and not at all with the number of roles; expect no bytes.
/// </summary>
internal static class RightsBench
{
    private const int Others = 1_000;
    private const int Loaders = 256;
    private static readonly int[] Roles = [10, 1_000];
    private static readonly int[] AllUsers = [1_000, 100_000, 1_000_000];

    // All of them are to fit, and to live until they were measured.
    private static readonly string[] Settings = ["--SolidCache:MemoryMaxBytes=8000000000", "--PermissionCache:TimeToLive=00:15:00"];

    /// <param name="only">Numbers of accounts; none: 1,000, 100,000 and 1,000,000.</param>
    public static async Task<int> RunAsync(string[] only)
    {
        var sizes = only.Length == 0 ? AllUsers : [.. only.Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
        var table = new Table().AddColumns("accounts asked about", "roles", "ns per check", "bare dictionary by text, by number", "B allocated per check", "B kept per account", "loads/s", "allowed");
        foreach (var roles in Roles)
        {
            await using var target = await Target.CreateAsync(sizes.Max() + Others, roles);
            var names = await target.ReadAsync<string[]>("SELECT array_agg(resource || ':' || action) FROM permissions WHERE resource LIKE 'res%'");
            foreach (var users in sizes) await MeasureAsync(target, users, roles, names, table);
        }

        Tables.Write(table);
        await Console.Out.WriteLineAsync("To be reached: 200 ns, 0 B allocated, flat in accounts and roles.");
        return 0;
    }

    private static async Task MeasureAsync(Target target, int users, int roles, string[] permissions, Table table)
    {
        // Seeding hands out consecutive numbers: a list of them would cost a miss of its own at every check.
        var first = await target.ReadAsync<long>("SELECT min(id) FROM users");
        await using var rights = await RightsUnderTest.StartAsync(target, Settings);
        // Connections, the compiled code and the roles are nobody's in particular: those of others pay for them.
        await LoadAsync(rights, first + users, Others);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var started = Stopwatch.GetTimestamp();
        await LoadAsync(rights, first, users);
        var loadsPerSecond = users / Stopwatch.GetElapsedTime(started).TotalSeconds;
        var kept = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)users;

        InMemoryChecks.Run(rights, first, users, permissions);   // compiles
        var rounds = Enumerable.Range(0, SideBySide.Rounds).Select(_ => InMemoryChecks.Run(rights, first, users, permissions)).ToArray();
        var (byNumber, byText) = BareLookUpsNs(first, users);
        table.AddRow(
            Figures.Text($"{users:N0}"), Figures.Text($"{roles:N0}"), Figures.Text($"{Figures.Median(rounds.Select(r => r.Ns)):N0}"),
            Figures.Text($"{byText:N0}, {byNumber:N0}"),
            Figures.Text($"{Figures.Median(rounds.Select(r => r.Bytes)):N1}"), Figures.Text($"{kept:N0}"), Figures.Text($"{loadsPerSecond:N0}"),
            Figures.Text($"{Figures.Median(rounds.Select(r => r.Allowed)):P0}"));
    }

    private static Task LoadAsync(RightsUnderTest rights, long first, int users)
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, Loaders).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < users) await rights.OfAsync(first + i);
        })));
    }

    /// <summary>What the machine's memory asks for one look-up among so many by number, and by the text that is the cache's key.</summary>
    private static (double ByNumber, double ByText) BareLookUpsNs(long first, int users)
    {
        var ids = Enumerable.Range(0, users).Select(i => first + i);
        var byNumber = new ConcurrentDictionary<long, object>(ids.Select(id => KeyValuePair.Create(id, new object())));
        var byText = new ConcurrentDictionary<string, object>(ids.Select(id => KeyValuePair.Create(Figures.Text($"{CacheTags.RightsPrefix}{id}"), new object())), StringComparer.Ordinal);
        var bySpan = byText.GetAlternateLookup<ReadOnlySpan<char>>();
        return (TimeNs(id => byNumber.ContainsKey(id)), TimeNs(id =>
        {
            Span<char> key = stackalloc char[CacheTags.RightsPrefix.Length + 20];
            key.TryWrite(CultureInfo.InvariantCulture, $"{CacheTags.RightsPrefix}{id}", out var length);
            return bySpan.ContainsKey(key[..length]);
        }));

        double TimeNs(Func<long, bool> find) => Figures.Median(Enumerable.Range(0, SideBySide.Rounds + 1).Select(_ => InMemoryChecks.RunNs(find, first, users)).Skip(1));
    }
}
