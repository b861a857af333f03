using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace AuthService.Http;

/// <summary>
/// Puts itself between endpoint and bodies to count them, and to keep their beginnings if they are to be logged. Bytes are seen as the endpoint reads and writes
/// them, and never before: nothing is read ahead, nothing is held back.
/// </summary>
/// <remarks>Where nothing of a request that goes well is logged there is nothing to observe, either.</remarks>
internal sealed class ObservedBodies(RequestDelegate next, HttpOptions options)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (RequestRecord.Current is { } record && (options.LogBodies || options.RequestLog == RequestLogging.All || !RouteTraits.IsOftenAsked(context.GetEndpoint())))
        {
            var keep = options.LogBodies ? options.LogBodyBytes : 0;
            if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && context.Features.Get<IRequestBodyPipeFeature>() is { } body)
            {
                record.RequestBody = new ObservedRequestBody(body.Reader, new BodyBeginning(keep));
                context.Features.Set<IRequestBodyPipeFeature>(record.RequestBody);
            }

            if (context.Features.Get<IHttpResponseBodyFeature>() is { } answer)
            {
                record.ResponseBody = new ObservedResponseBody(answer, new BodyBeginning(keep));
                context.Features.Set<IHttpResponseBodyFeature>(record.ResponseBody);
            }
        }

        return next(context);
    }
}

/// <summary>How long a body is, and how it begins.</summary>
/// <param name="keep">Bytes to keep; 0: it is only counted.</param>
internal struct BodyBeginning(int keep)
{
    private byte[]? _bytes;
    private int _kept;

    public long Length { get; private set; }

    public readonly bool IsKept => keep > 0;

    /// <summary>So many more, of which nothing is kept.</summary>
    public void Count(int bytes) => Length += bytes;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        if (_kept == keep || bytes.IsEmpty) return;
        _bytes ??= ArrayPool<byte>.Shared.Rent(keep);
        var room = Math.Min(keep - _kept, bytes.Length);
        bytes[..room].CopyTo(_bytes.AsSpan(_kept));
        _kept += room;
    }

    public void Add(in ReadOnlySequence<byte> bytes)
    {
        if (_kept == keep) Length += bytes.Length;
        else foreach (var part in bytes) Add(part.Span);
    }

    /// <summary>What is to be logged of it. Only JSON is: of anything else nobody knows where a secret stands.</summary>
    /// <param name="encoding">Such as <c>br</c>; null: as it is.</param>
    /// <returns>Null: it is empty. Call it once.</returns>
    public string? Take(string? contentType, string? encoding)
    {
        var bytes = _bytes;
        _bytes = null;
        try
        {
            if (Length == 0) return null;
            return bytes is null || !string.IsNullOrEmpty(encoding) || !IsJson(contentType) ? "[not shown]" : ClientText.Json(bytes.AsSpan(0, _kept), isWhole: _kept == Length);
        }
        finally
        {
            if (bytes is not null) ArrayPool<byte>.Shared.Return(bytes, clearArray: true);   // secrets, perhaps
        }
    }

    private static bool IsJson(string? contentType)
    {
        var type = contentType.AsSpan();
        if (type.IndexOf(';') is >= 0 and var end) type = type[..end];
        type = type.Trim();
        return type.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (type.StartsWith("application/", StringComparison.OrdinalIgnoreCase) && type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
    }
}
