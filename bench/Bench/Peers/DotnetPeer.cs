namespace Bench.Peers;

/// <summary>The peers in C#, built by <c>./dev bench</c> before it starts the bench.</summary>
internal static class DotnetPeer
{
    /// <summary>The web server alone.</summary>
    public static Task<Peer> KestrelAsync() => StartAsync("kestrel-limit", "/", []);

    /// <summary>The same program once more, for the least a check and a refresh can cost: on the service's own database, and with threads that sleep as the service's do (docs/decisions/0017).</summary>
    public static Task<Peer> LimitAsync(Target target) => StartAsync("kestrel-limit", "/", new(StringComparer.Ordinal)
    {
        ["PEER_DATABASE"] = target.ConnectionString,
        ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0",
    });

    /// <summary>ASP.NET Core Identity, on a database of its own.</summary>
    public static async Task<Peer> IdentityAsync(Target target) => await StartAsync("aspnet-identity", "/ready", new(StringComparer.Ordinal)
    {
        // Pool and preparing as the documentation of its driver advises for load.
        ["PEER_DATABASE"] = await target.CreateDatabaseAsync("aspnet_identity") + ";Minimum Pool Size=10;Maximum Pool Size=50;Max Auto Prepare=50",
        ["PEER_PASSWORD"] = Target.Password,
    });

    private static async Task<Peer> StartAsync(string name, string readyPath, Dictionary<string, string> environment)
    {
        var folder = Path.Combine("bench", "peers", name);
        var file = Path.Combine(folder, "bin", "Release", "net10.0", name);
        if (!File.Exists(file)) return Peer.Missing(name, $"{folder} could not be built");
        return Peer.Of(name, await ServerProcess.StartAsync(new ServerProgram(file, address => ["--urls", address.ToString()], readyPath, environment)));
    }
}
