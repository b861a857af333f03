namespace Bench.Peers;

/// <summary>A program measured beside the service, or the word why there is none on this machine.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private readonly IAsyncDisposable[] _stops;

    private Peer(string name, ServerProcess? server, string absence, IAsyncDisposable[] stops) =>
        (Name, Server, Absence, _stops) = (name, server, absence, stops);

    public string Name { get; }

    /// <summary>Null: it is not here.</summary>
    public ServerProcess? Server { get; }

    public string Absence { get; }

    /// <param name="behind">What it needs to run, stopped after it.</param>
    public static Peer Of(string name, ServerProcess server, params IAsyncDisposable[] behind) => new(name, server, "", [server, .. behind]);

    public static Peer Missing(string name, string why) => new(name, null, why, []);

    /// <returns>Null if it is not here.</returns>
    public async Task<WrkResult?> LoadAsync(string script, int connections, int seconds, params (string Name, string Value)[] environment)
    {
        if (Server is null) return null;
        try
        {
            return await Wrk.RunAsync(Server.Address, script, connections, seconds, environment);
        }
        catch (InvalidOperationException e)
        {
            // It has broken off. What is measured here is the service.
            await Console.Error.WriteLineAsync(Name + ": " + e.Message);
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stop in _stops) await stop.DisposeAsync();
    }
}
