using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace AuthService.Http;

/// <summary>The body of an answer, seen while it is written. Every call goes through as it is.</summary>
internal sealed class ObservedResponseBody(IHttpResponseBodyFeature answer, BodyBeginning beginning) : PipeWriter, IHttpResponseBodyFeature
{
    private readonly PipeWriter _writer = answer.Writer;
    private BodyBeginning _beginning = beginning;
    private Memory<byte> _room;   // handed out last, if it is to be looked at

    /// <summary>Bytes written; compressed ones, if they are.</summary>
    public long Length => _beginning.Length;

    public PipeWriter Writer => this;
    public Stream Stream => field ??= AsStream(leaveOpen: true);
    public override bool CanGetUnflushedBytes => _writer.CanGetUnflushedBytes;
    public override long UnflushedBytes => _writer.UnflushedBytes;

    /// <inheritdoc cref="BodyBeginning.Take"/>
    public string? Text(string? contentType, string? encoding) => _beginning.Take(contentType, encoding);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _room = _writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => _beginning.IsKept ? GetMemory(sizeHint).Span : _writer.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        // Before: afterwards the memory is somebody else's.
        if (_beginning.IsKept) _beginning.Add(_room.Span[..bytes]);
        else _beginning.Count(bytes);
        _room = default;
        _writer.Advance(bytes);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        _beginning.Add(source.Span);
        return _writer.WriteAsync(source, cancellationToken);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => _writer.FlushAsync(cancellationToken);

    public override void CancelPendingFlush() => _writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => _writer.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => _writer.CompleteAsync(exception);

    public Task StartAsync(CancellationToken cancellationToken = default) => answer.StartAsync(cancellationToken);

    public Task CompleteAsync() => answer.CompleteAsync();

    public void DisableBuffering() => answer.DisableBuffering();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);
}
