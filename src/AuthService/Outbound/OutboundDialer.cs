using System.Net;
using System.Net.Sockets;

namespace AuthService.Outbound;

/// <summary>The address of a host is none we connect to.</summary>
internal sealed class AddressRefusedException() : Exception("The host's address is not public and not among Outbound:AllowedNetworks.");

/// <summary>
/// Makes every connection to others. The name is looked up here, once, and what is connected to is what was judged: between a check and its use there is nothing in which
/// a name server could answer otherwise.
/// </summary>
internal sealed class OutboundDialer(IHostAddresses hosts, ReachableAddresses reachable)
{
    /// <summary>Of a host that has more, the rest is not tried.</summary>
    private const int MaxAddresses = 4;

    /// <exception cref="AddressRefusedException">One of the host's addresses may not be reached: an answer that mixes is no answer to be trusted in part.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var isPlain = context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttp;
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await hosts.FindAsync(host, ct);
        foreach (var address in addresses)
        {
            // Without TLS only where the operator has said so: it is them who know the wire.
            if (isPlain ? !reachable.IsAllowed(address) : !reachable.MayReach(address)) throw new AddressRefusedException();
        }

        if (addresses.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
        for (var i = 0; ; i++)
        {
            try
            {
                return await ConnectAsync(addresses[i], port, ct);
            }
            catch (SocketException) when (i + 1 < Math.Min(addresses.Length, MaxAddresses))
            {
                // the next one, then
            }
        }
    }

    private static async Task<Stream> ConnectAsync(IPAddress address, int port, CancellationToken ct)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
