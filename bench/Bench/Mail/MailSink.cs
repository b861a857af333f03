using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bench.Mail;

/// <summary>A mail server that takes everything and keeps nothing, or one that takes connections and says not a word.</summary>
internal sealed class MailSink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly bool _isSilent;
    private readonly Task _accepting;
    private int _mails;

    public MailSink(bool isSilent)
    {
        _isSilent = isSilent;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Taken so far.</summary>
    public int Mails => _mails;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        while (!_stop.IsCancellationRequested)
        {
            var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            open.RemoveAll(task => task.IsCompleted);
            open.Add(ServeAsync(client));
        }

        await Task.WhenAll(open);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
                await using var writer = new StreamWriter(client.GetStream(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\r\n", AutoFlush = true };
                if (!_isSilent) await writer.WriteLineAsync("220 sink");
                var isData = false;
                while (await reader.ReadLineAsync(_stop.Token) is { } line)
                {
                    if (_isSilent || (isData && line != ".")) continue;
                    if (isData) Interlocked.Increment(ref _mails);
                    isData = !isData && line.StartsWith("DATA", StringComparison.OrdinalIgnoreCase);
                    await writer.WriteLineAsync(isData ? "354 go on" : line.StartsWith("QUIT", StringComparison.OrdinalIgnoreCase) ? "221 bye" : "250 OK");
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // It has hung up, or the bench is over.
            }
        }
    }
}
