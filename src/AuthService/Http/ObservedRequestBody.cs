using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace AuthService.Http;

/// <summary>The body of a request, seen while the endpoint reads it. Every call goes through as it is.</summary>
internal sealed class ObservedRequestBody(PipeReader body, BodyBeginning beginning) : PipeReader, IRequestBodyPipeFeature
{
    private BodyBeginning _beginning = beginning;
    private ReadOnlySequence<byte> _read;   // of the last read; what of it is consumed is told by AdvanceTo
    private long _waited;

    public PipeReader Reader => this;

    /// <summary>Bytes the endpoint has taken.</summary>
    public long Length => _beginning.Length;

    /// <summary>How long the endpoint has waited for the client to send.</summary>
    public TimeSpan Waited => Stopwatch.GetElapsedTime(0, _waited);

    /// <summary>The client left, or closed its half of the connection, before it had sent all.</summary>
    public bool WasBrokenOff { get; private set; }

    /// <inheritdoc cref="BodyBeginning.Take"/>
    public string? Text(string? contentType) => _beginning.Take(contentType, encoding: null);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var read = body.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? new ValueTask<ReadResult>(Seen(read.Result)) : WaitAsync(read);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!body.TryRead(out result)) return false;
        Seen(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // Before: afterwards the memory is somebody else's.
        if (!_read.IsEmpty) _beginning.Add(_read.Slice(0, consumed));
        _read = default;
        body.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => body.CancelPendingRead();

    public override void Complete(Exception? exception = null) => body.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => body.CompleteAsync(exception);

    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read)
    {
        var startedAt = Stopwatch.GetTimestamp();
        try
        {
            return Seen(await read);
        }
        catch (IOException e)
        {
            WasBrokenOff = e is not BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout or StatusCodes.Status413PayloadTooLarge };
            throw;
        }
        finally
        {
            _waited += Stopwatch.GetTimestamp() - startedAt;
        }
    }

    private ReadResult Seen(ReadResult result)
    {
        _read = result.Buffer;
        return result;
    }
}
