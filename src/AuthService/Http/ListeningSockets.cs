using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace AuthService.Http;

/// <summary>The web server's sockets, which can be closed before it stops: who connects then is refused, and goes elsewhere with nothing sent, while the connections there are go on.</summary>
internal sealed class ListeningSockets(IOptions<SocketTransportOptions> options, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, loggers);
    private readonly ConcurrentQueue<IConnectionListener> _listeners = [];   // as many as there are addresses in Urls

    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var listener = await _sockets.BindAsync(endpoint, cancellationToken);
        _listeners.Enqueue(listener);
        return listener;
    }

    /// <summary>The server closes them once more when it stops, which does nothing.</summary>
    public async Task CloseAsync()
    {
        foreach (var listener in _listeners) await listener.UnbindAsync();
    }
}
