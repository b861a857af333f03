using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace SolidCache.Redis.Resp;

/// <summary>Makes a connection that has been greeted: encrypted where it is to be, signed in, on its database, speaking RESP3.</summary>
internal sealed class RedisDialer(RedisSettings settings, TimeProvider clock, RedisCounters counters)
{
    private const string ClientName = "solid_cache";

    /// <param name="asSentinel">Whether it is a Sentinel, with its own user and no databases.</param>
    /// <exception cref="RedisUnavailableException">Not reached, or not in time.</exception>
    /// <exception cref="RedisException">Reached, and refused.</exception>
    public async Task<RespConnection> ConnectAsync(RedisEndpoint endpoint, Action<RespValue> pushed, CancellationToken ct, bool asSentinel = false)
    {
        using var limit = new CancellationTokenSource(settings.ConnectTimeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        RespConnection? connection = null;
        try
        {
            var stream = await OpenAsync(endpoint, both.Token).ConfigureAwait(false);
            connection = new RespConnection(stream, settings.CommandTimeout, clock, counters, pushed);
            connection.Start();
            await GreetAsync(connection, asSentinel, both.Token).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            if (connection is not null) await connection.DisposeAsync().ConfigureAwait(false);
            if (e is RedisException or RedisUnavailableException || ct.IsCancellationRequested) throw;
            var reason = e is OperationCanceledException ? "no answer in time" : e.Message;
            throw new RedisUnavailableException($"{endpoint} can't be reached: {reason}", e);
        }
    }

    private async Task<Stream> OpenAsync(RedisEndpoint endpoint, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(endpoint.Host, endpoint.Port, ct).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            return settings.UseTls ? await EncryptAsync(stream, endpoint, ct).ConfigureAwait(false) : stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<Stream> EncryptAsync(NetworkStream stream, RedisEndpoint endpoint, CancellationToken ct)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = endpoint.Host };
        if (settings.CertificateAuthorityFile is { } file)
        {
            var trusted = new X509Certificate2Collection();
            trusted.ImportFromPemFile(file);
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(trusted);
        }

        var encrypted = new SslStream(stream);
        await encrypted.AuthenticateAsClientAsync(options, ct).ConfigureAwait(false);
        return encrypted;
    }

    private async Task GreetAsync(RespConnection connection, bool asSentinel, CancellationToken ct)
    {
        var (user, password) = asSentinel ? (settings.SentinelUser, settings.SentinelPassword) : (settings.User, settings.Password);
        List<string> hello = ["HELLO", "3"];
        if (password is not null) hello.AddRange(["AUTH", user ?? "default", password]);
        hello.AddRange(["SETNAME", ClientName]);
        try
        {
            await DoAsync(connection, ct, [.. hello]).ConfigureAwait(false);
        }
        catch (RedisException e) when (password is not null && e.Message.Contains(password, StringComparison.Ordinal))
        {
            // Redis before 6, and proxies, repeat a command they don't know with all that came with it. This goes into logs.
            throw new RedisException(e.Code, e.Message.Replace(password, "…", StringComparison.Ordinal));
        }

        if (!asSentinel && settings.Database != 0)
            await DoAsync(connection, ct, "SELECT", settings.Database.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false);
    }

    public static async ValueTask<RespValue> DoAsync(RespConnection connection, CancellationToken ct, params string[] arguments)
    {
        var reply = await connection.SendAsync(new TextCommand(arguments), ct).ConfigureAwait(false);
        return reply.IsError ? throw RedisException.Of(reply) : reply;
    }
}
