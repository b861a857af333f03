using System.Diagnostics;
using AuthService.Passwords;
using Bench.Report;

namespace Bench.Http;

/// <summary>Log-ins one after the other, beside the hash that bounds them.</summary>
internal static class LogInPart
{
    private const int Seconds = 2;
    private const int Hashes = 21;

    public static async Task RunAsync(Scene scene)
    {
        var identity = await scene.Peers.IdentityAsync();
        var (ours, identities, hashes) = (new LoadSeries(), new LoadSeries(), new List<double>());
        for (var round = 0; round < Scene.Rounds; round++)
        {
            hashes.AddRange(BareHashesMs());
            ours.Add(await Wrk.RunAsync(scene.Service.Address, "login.lua", 1, Seconds,
                ("PASSWORD", Target.Password), ("FIRST", Figures.Text($"{20_000 + round * 1_000}")), ("LAST", "99999")));
            identities.Add(await identity.LoadAsync("login.lua", 1, Seconds,
                ("PASSWORD", Target.Password), ("LOGIN_PATH", "/auth/login"), ("FIRST", "1"), ("LAST", "1000")));
        }

        scene.Report.Load("log-in, 1 connection", ours);
        scene.Report.Load("  ASP.NET Core Identity", identities);
        var hash = Figures.Median(hashes);
        scene.Report.Find("log-in, 1 connection", $"{ours.PerSecond:F1}/s", "Identity " + (identities.IsEmpty ? "not here" : Figures.Text($"{identities.PerSecond:F1}/s")), Findings.Ratio(ours, identities));
        scene.Report.Find("  p50 beyond the bare hash", $"{ours.P50Ms - hash:F2} ms", ours.P50Ms - hash, Bar.AtMost(2, 1, " ms"), Figures.Text($"hash {hash:F2} ms, log-in {ours.P50Ms:F2} ms"));
    }

    private static IEnumerable<double> BareHashesMs()
    {
        var options = new PasswordOptions();
        var stored = Argon2id.Hash(Target.Password, options.MemoryKiB, options.Iterations);
        for (var i = 0; i < Hashes; i++)
        {
            var started = Stopwatch.GetTimestamp();
            Argon2id.Verify(Target.Password, stored);
            yield return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }
    }
}
