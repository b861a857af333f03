namespace AuthService.Outbound;

/// <summary>Something to be asked of somebody else.</summary>
/// <param name="Purpose">Label of metrics: one of a few words of ours.</param>
/// <param name="Url">One that <see cref="OutboundUrl"/> has taken, or that the operator has written.</param>
internal sealed record OutboundRequest(string Purpose, HttpMethod Method, Uri Url)
{
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>JSON in UTF-8; null: no body.</summary>
    public ReadOnlyMemory<byte>? Body { get; init; }

    /// <summary>Whether a second arrival does no more than the first; only then is it tried again here.</summary>
    public bool MayRepeat { get; init; }

    /// <summary>How much of the answer's body is wanted; more than that is a failure. At most 256 KiB; 0: none is read.</summary>
    public int MaxAnswerBytes { get; init; }

    /// <summary>Shorter than <see cref="OutboundOptions.TotalTimeout"/>; null: that.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>What came back, whatever the status; 3xx is not followed.</summary>
/// <param name="Body">Empty where none was wanted.</param>
/// <param name="RetryAfter">When to come again, as the other side says; at most a day.</param>
internal sealed record OutboundAnswer(int Status, byte[] Body, TimeSpan? RetryAfter)
{
    public bool IsSuccess => Status is >= 200 and <= 299;
}

/// <summary>Why there is no answer. The names, in lower case, stand in metrics and in logs of deliveries.</summary>
internal enum OutboundFailure
{
    /// <summary>Not a public address, nor an allowed one.</summary>
    Refused,

    /// <summary>The name is not known.</summary>
    Unresolved,

    /// <summary>No connection.</summary>
    Unreachable,

    /// <summary>No TLS, or a certificate that is not good for this host.</summary>
    Tls,

    /// <summary>It took longer than it may.</summary>
    Timeout,

    /// <summary>The answer has more bytes than are read.</summary>
    Oversized,

    /// <summary>What came is no HTTP, or stopped half-way.</summary>
    Broken,

    /// <summary>The host keeps failing and is left alone for a while.</summary>
    Open,

    /// <summary>Too many requests are waiting on this node.</summary>
    Busy,
}

internal sealed class OutboundFailedException(OutboundFailure failure, Exception? cause = null) : Exception($"No answer: {OutboundMetrics.NameOf(failure)}.", cause)
{
    public OutboundFailure Failure => failure;

    /// <summary>Says something of the host, not of the request: what the breaker counts and what is worth a second try.</summary>
    public bool IsOfTheHost => failure is OutboundFailure.Unresolved or OutboundFailure.Unreachable or OutboundFailure.Tls or OutboundFailure.Timeout or OutboundFailure.Broken;
}
