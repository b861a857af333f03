using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace IntegrationTests.Http;

/// <summary>One request byte by byte, for what a well-behaved client would not send.</summary>
internal sealed class RawHttp : IAsyncDisposable
{
    private readonly TcpClient _client;

    // Taken at once: a client whose connection was reset does not give it any more, and the answer is still in it.
    private readonly NetworkStream _stream;

    private RawHttp(TcpClient client) => (_client, _stream) = (client, client.GetStream());

    public static Task<RawHttp> ConnectAsync(Node node, CancellationToken ct) => ConnectAsync(node.Http.BaseAddress!, ct);

    public static async Task<RawHttp> ConnectAsync(Uri address, CancellationToken ct)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address.Host, address.Port, ct);
        return new RawHttp(client);
    }

    /// <summary>A request line and headers; the connection closes after the answer.</summary>
    public static byte[] Head(string method, string target, params string[] headers) =>
        Encoding.Latin1.GetBytes($"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{string.Concat(headers.Select(h => h + "\r\n"))}\r\n");

    /// <summary>Sends; a server that has answered and hung up already is no error.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        try
        {
            await _stream.WriteAsync(bytes, ct);
        }
        catch (IOException)
        {
            // The answer tells.
        }
    }

    /// <summary>Reads to the end of the connection.</summary>
    public async Task<RawAnswer> ReadAsync(CancellationToken ct)
    {
        using var all = new MemoryStream();
        try
        {
            await _stream.CopyToAsync(all, ct);
        }
        catch (IOException)
        {
            // Reset after the answer, since part of the request was never read.
        }

        var text = Encoding.UTF8.GetString(all.GetBuffer(), 0, (int)all.Length);
        var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(end > 0, "No answer.");
        var lines = text[..end].Split("\r\n");
        return new RawAnswer(
            int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture),
            lines.Skip(1).Select(l => l.Split(": ", 2)).ToLookup(p => p[0], p => p[1], StringComparer.OrdinalIgnoreCase),
            text[(end + 4)..]);
    }

    /// <summary>Whether anything comes back before the connection ends; it is left open.</summary>
    public async Task<bool> AnswersAsync(CancellationToken ct)
    {
        try
        {
            return await _stream.ReadAsync(new byte[1], ct) > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <param name="Body">As it came, chunks and all.</param>
internal sealed record RawAnswer(int Status, ILookup<string, string> Headers, string Body);
