namespace SolidCache.Redis.Resp;

/// <summary>The server has read the command and refused it. The connection goes on.</summary>
public sealed class RedisException : Exception
{
    /// <param name="code">The first word of the reply.</param>
    /// <param name="text">The whole reply.</param>
    public RedisException(string code, string text)
        : base(text) => Code = code;

    /// <summary>The first word of the reply, by which one decides: <c>WRONGTYPE</c>, <c>NOPERM</c>, <c>OOM</c>, <c>READONLY</c>, <c>NOSCRIPT</c> …</summary>
    public string Code { get; }

    internal static RedisException Of(RespValue error)
    {
        var text = error.AsText() ?? "";
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return new RedisException(space < 0 ? text : text[..space], text);
    }
}

/// <summary>
/// There is no reply: not connected, the connection was lost, the time is up, or too many wait already. A command that had been sent may
/// or may not have been carried out.
/// </summary>
public sealed class RedisUnavailableException : Exception
{
    /// <param name="message">What happened, without secrets.</param>
    /// <param name="innerException">What it came from.</param>
    public RedisUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>What came is no RESP, or more than is accepted. Where the next reply begins is unknown from here on: the connection ends.</summary>
internal sealed class RespException(string message) : Exception(message);
