using System.Net;

namespace AuthService.Outbound;

/// <summary>What a name stands for, now. Tests put a name server of their own in its place.</summary>
internal interface IHostAddresses
{
    /// <exception cref="System.Net.Sockets.SocketException">There is no such name, or nobody to ask.</exception>
    Task<IPAddress[]> FindAsync(string host, CancellationToken ct);
}

/// <summary>By the system's resolver.</summary>
internal sealed class SystemHostAddresses : IHostAddresses
{
    public Task<IPAddress[]> FindAsync(string host, CancellationToken ct) => Dns.GetHostAddressesAsync(host, ct);
}
