namespace AuthService.Http;

/// <summary>
/// The first to see a request and the last to hear of it. Adds the times to the answer when it begins, and has the request logged when it has ended. Neither
/// reads a body, nor waits for one: what comes after runs as if this were not here.
/// </summary>
/// <remarks>Two callbacks and one object a request, and no state machine: this is on the way of every permission check (<c>./dev bench middleware</c>).</remarks>
internal sealed class RequestWatch(RequestDelegate next, HttpOptions options, RequestLog log, TimeProvider clock)
{
    private static readonly Func<object, Task> Begins = static request => ((RequestRecord)request).AnswerBegins();
    private static readonly Func<object, Task> Ended = static request => ((RequestRecord)request).HasEnded();

    public Task InvokeAsync(HttpContext context)
    {
        var record = new RequestRecord(context, log, clock) { AllocatedBefore = options.LogAllocations ? GC.GetTotalAllocatedBytes() : 0 };
        RequestRecord.Current = record;
        if (options.ResponseTimes) context.Response.OnStarting(Begins, record);
        if (options.RequestLog != RequestLogging.None || options.SlowRequest > TimeSpan.Zero) context.Response.OnCompleted(Ended, record);
        return next(context);
    }
}

/// <summary>One request under way.</summary>
internal sealed class RequestRecord(HttpContext context, RequestLog log, TimeProvider clock) : TimeSpent
{
    private readonly long _startedAt = clock.GetTimestamp();
    private readonly CancellationToken _aborted = context.RequestAborted;   // later it is not told any more

    // Whatever a request leaves behind with its execution context (a timer, say) keeps this object, and must not keep the connection's.
    private HttpContext? _context = context;

    /// <summary>That of this request, if requests are watched.</summary>
    public static new RequestRecord? Current { get => TimeSpent.Current as RequestRecord; set => TimeSpent.Current = value; }

    /// <summary>Bytes this process had allocated when it began; 0: nobody wants to know.</summary>
    public long AllocatedBefore { get; init; }

    /// <summary>Null: not observed.</summary>
    public ObservedRequestBody? RequestBody { get; set; }

    /// <inheritdoc cref="RequestBody"/>
    public ObservedResponseBody? ResponseBody { get; set; }

    /// <summary>The client left before it had its answer.</summary>
    public bool WasAborted => _aborted.IsCancellationRequested;

    public TimeSpan Elapsed => clock.GetElapsedTime(_startedAt);

    public Task AnswerBegins()
    {
        ResponseTimes.Add(_context!, Elapsed, this);
        return Task.CompletedTask;
    }

    public Task HasEnded()
    {
        log.Write(_context!, this);
        _context = null;
        return Task.CompletedTask;
    }
}
