using AuthService.Http;

namespace AuthService.Health;

/// <summary>
/// The time between the wish to stop and the stop. First the node answers as before, but says that it isn't ready: balancers that ask look for another node.
/// Then it takes no connection any more and lets none live on, so that those that don't ask find out by trying, with a connection that is refused and not with
/// a request that is lost.
/// </summary>
internal sealed class Draining(ListeningSockets sockets)
{
    /// <summary>Longer than balancers keep an idle connection (nginx as it is shipped: 2 s): one that idles until the end may meet a request that is just being sent.</summary>
    private static readonly TimeSpan LastRequests = TimeSpan.FromSeconds(3);

    private volatile bool _hasBegun;
    private volatile bool _takesNoConnection;

    public bool HasBegun => _hasBegun;

    /// <param name="time">Of the first part; zero: there is neither.</param>
    public async Task RunAsync(TimeSpan time, CancellationToken ct)
    {
        _hasBegun = true;
        if (time == TimeSpan.Zero) return;
        await Task.Delay(time, TimeProvider.System, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _takesNoConnection = true;
        await sockets.CloseAsync();
        await Task.Delay(LastRequests, TimeProvider.System, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>In the second part every answer is the last of its connection.</summary>
    public Task CloseConnectionsAsync(HttpContext context, RequestDelegate next)
    {
        // HTTP/2 has a frame for it, which Kestrel sends when it stops.
        if (_takesNoConnection && !HttpProtocol.IsHttp2(context.Request.Protocol)) context.Response.Headers.Connection = "close";
        return next(context);
    }
}
