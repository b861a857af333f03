using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SolidCache.Redis.Resp;

namespace UnitTests.SolidCache.Redis.Resp;

/// <summary>A server on the loopback for any number of connections, which answers each command as the test says.</summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ends = new();
    private readonly Func<string[], string> _answer;
    private readonly Task _accepting;

    /// <param name="answer">From the words of a command to the reply as it is on the wire.</param>
    public FakeNode(Func<string[], string> answer)
    {
        _answer = answer;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _accepting;
        _listener.Dispose();
        _ends.Dispose();
    }

    private async Task AcceptAsync()
    {
        var clients = new List<Task>();
        try
        {
            while (true) clients.Add(ServeAsync(await _listener.AcceptSocketAsync(_ends.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        var (reader, input) = (new RespReader(new RespLimits()), PipeReader.Create(stream));
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(_ends.Token);
                var answers = new StringBuilder();
                input.AdvanceTo(Take(reader, read.Buffer, answers), read.Buffer.End);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answers.ToString()), _ends.Token);
                if (read.IsCompleted) return;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One of the two has gone.
        }
    }

    private SequencePosition Take(RespReader reader, ReadOnlySequence<byte> buffer, StringBuilder answers)
    {
        var input = new SequenceReader<byte>(buffer);
        while (reader.TryRead(ref input, out var command)) answers.Append(_answer([.. command.Items.ToArray().Select(word => word.AsText()!)]));
        return input.Position;
    }
}
