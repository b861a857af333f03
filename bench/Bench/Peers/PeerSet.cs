namespace Bench.Peers;

/// <summary>The peers of a run, each started when it is first asked for.</summary>
internal sealed class PeerSet(Target target) : IAsyncDisposable
{
    private readonly Dictionary<string, Peer> _started = new(StringComparer.Ordinal);

    /// <summary>Why peers are missing that were asked for.</summary>
    public IEnumerable<Peer> Missing => _started.Values.Where(p => p.Server is null).DistinctBy(p => p.Name, StringComparer.Ordinal);

    public Task<Peer> KestrelAsync() => OnceAsync("kestrel-limit", DotnetPeer.KestrelAsync);

    public Task<Peer> LimitAsync() => OnceAsync("limit", () => DotnetPeer.LimitAsync(target));

    public Task<Peer> IdentityAsync() => OnceAsync("aspnet-identity", () => DotnetPeer.IdentityAsync(target));

    public Task<Peer> FastApiAsync() => OnceAsync("fastapi", () => FastApi.StartAsync(target));

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _started.Values) await peer.DisposeAsync();
    }

    /// <summary>A peer that does not start is missing: what is measured here is the service.</summary>
    private async Task<Peer> OnceAsync(string name, Func<Task<Peer>> start)
    {
        if (_started.TryGetValue(name, out var peer)) return peer;
        try
        {
            peer = await start();
        }
        catch (InvalidOperationException e)
        {
            peer = Peer.Missing(name, e.Message);
        }

        return _started[name] = peer;
    }
}
