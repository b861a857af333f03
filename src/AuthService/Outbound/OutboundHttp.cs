using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.RateLimiting;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace AuthService.Outbound;

/// <summary>
/// The one way out: everything the service asks of others over HTTP. From outside in: a turn, of which there are a limited number; the time for all; tries again; the host's
/// circuit breaker; the time for one try; a connection to an address that may be reached (<see cref="OutboundDialer"/>).
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    /// <summary>Somebody who wants to be left alone for longer is, by the caller: nobody's turn is spent on waiting.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);
    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly ProductInfoHeaderValue Agent = new("AuthService", "1");

    private readonly OutboundOptions _options;
    private readonly OutboundMetrics _metrics;
    private readonly HostCircuits _circuits;
    private readonly TimeProvider _clock;
    private readonly HttpMessageInvoker _http;
    private readonly ConcurrencyLimiter _turns;
    private readonly ResiliencePipeline<OutboundAnswer> _repeated;

    public OutboundHttp(OutboundDialer dialer, OutboundOptions options, OutboundMetrics metrics, TimeProvider clock)
    {
        (_options, _metrics, _clock) = (options, metrics, clock);
        _circuits = new HostCircuits(options, clock);
        metrics.Watch(() => _circuits.Open);
        _turns = new ConcurrencyLimiter(new() { PermitLimit = options.MaxConcurrent, QueueLimit = options.QueueLength, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });
        _repeated = options.MaxTries == 1 ? ResiliencePipeline<OutboundAnswer>.Empty : Repeated(options, clock);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = dialer.ConnectAsync,
            ConnectTimeout = options.ConnectTimeout,
            // A connection outlives what its name stands for by so much at most.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxConnectionsPerServer = 20,
            UseProxy = false,              // it would look names up for us, and connect where it likes
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,   // a few bytes can stand for gigabytes
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 64 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            ActivityHeadersPropagator = null,                     // our traces are nobody else's
        });
    }

    /// <exception cref="OutboundFailedException">There is no answer.</exception>
    public async Task<OutboundAnswer> SendAsync(OutboundRequest request, CancellationToken ct)
    {
        var began = _clock.GetTimestamp();
        var outcome = "cancelled";
        try
        {
            var answer = await SendInTimeAsync(request, ct);
            outcome = OutboundMetrics.NameOf(answer.Status);
            return answer;
        }
        catch (OutboundFailedException e)
        {
            outcome = OutboundMetrics.NameOf(e.Failure);
            throw;
        }
        finally
        {
            _metrics.Ended(request.Purpose, outcome, _clock.GetElapsedTime(began));
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _turns.Dispose();
    }

    private static ResiliencePipeline<OutboundAnswer> Repeated(OutboundOptions options, TimeProvider clock) =>
        new ResiliencePipelineBuilder<OutboundAnswer> { TimeProvider = clock }.AddRetry(new RetryStrategyOptions<OutboundAnswer>
        {
            MaxRetryAttempts = options.MaxTries - 1,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = options.FirstRetryDelay,
            MaxDelay = LongestWait,
            ShouldHandle = static o => ValueTask.FromResult(o.Outcome switch
            {
                { Exception: OutboundFailedException { IsOfTheHost: true } } => true,
                { Result: { Status: 408 or 429 or >= 500, RetryAfter: var after } } => after is null || after <= LongestWait,
                _ => false,
            }),
            DelayGenerator = static o => ValueTask.FromResult(o.Outcome.Result?.RetryAfter),
        }).Build();

    private async Task<OutboundAnswer> SendInTimeAsync(OutboundRequest request, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(request.Timeout ?? _options.TotalTimeout, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            using var turn = await _turns.AcquireAsync(1, both.Token);
            if (!turn.IsAcquired) throw new OutboundFailedException(OutboundFailure.Busy);
            var tries = request.MayRepeat ? _repeated : ResiliencePipeline<OutboundAnswer>.Empty;
            return await tries.ExecuteAsync(static (s, token) => s.Self.TryThroughCircuitAsync(s.Request, token), (Self: this, Request: request), both.Token);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new OutboundFailedException(OutboundFailure.Timeout, e);
        }
    }

    private async ValueTask<OutboundAnswer> TryThroughCircuitAsync(OutboundRequest request, CancellationToken ct)
    {
        try
        {
            return await _circuits.Of(request.Url).ExecuteAsync(static (s, token) => s.Self.TryAsync(s.Request, token), (Self: this, Request: request), ct);
        }
        catch (BrokenCircuitException e)
        {
            throw new OutboundFailedException(OutboundFailure.Open, e);
        }
    }

    /// <summary>One try, of which whatever happens has a name.</summary>
    private async ValueTask<OutboundAnswer> TryAsync(OutboundRequest request, CancellationToken ct)
    {
        _metrics.Tried(request.Purpose);
        using var limit = new CancellationTokenSource(_options.TryTimeout, _clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            using var message = MessageOf(request);
            using var answer = await _http.SendAsync(message, both.Token);
            var body = request.MaxAnswerBytes == 0 ? [] : await ReadAsync(answer.Content, request.MaxAnswerBytes, both.Token);
            return new OutboundAnswer((int)answer.StatusCode, body, RetryAfterOf(answer));
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new OutboundFailedException(OutboundFailure.Timeout, e);   // of the try, or of the connection
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new OutboundFailedException(FailureIn(e), e);
        }
    }

    private static HttpRequestMessage MessageOf(OutboundRequest request)
    {
        var message = new HttpRequestMessage(request.Method, request.Url) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        message.Headers.UserAgent.Add(Agent);
        foreach (var (name, value) in request.Headers) message.Headers.Add(name, value);
        if (request.Body is { } body) message.Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = Json } };
        return message;
    }

    /// <summary>At most so many bytes, whatever the answer says its length is.</summary>
    private static async Task<byte[]> ReadAsync(HttpContent content, int limit, CancellationToken ct)
    {
        if (content.Headers.ContentLength > limit) throw new OutboundFailedException(OutboundFailure.Oversized);
        await using var body = await content.ReadAsStreamAsync(ct);
        using var read = new MemoryStream();
        var buffer = new byte[8 * 1024];
        int count;
        while ((count = await body.ReadAsync(buffer, ct)) > 0)
        {
            if (read.Length + count > limit) throw new OutboundFailedException(OutboundFailure.Oversized);
            read.Write(buffer, 0, count);
        }

        return read.ToArray();
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage answer)
    {
        var after = answer.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - _clock.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return after switch { null => null, { Ticks: < 0 } => TimeSpan.Zero, { } d => d > LongestRetryAfter ? LongestRetryAfter : d };
    }

    private static OutboundFailure FailureIn(Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case AddressRefusedException: return OutboundFailure.Refused;
                case AuthenticationException: return OutboundFailure.Tls;
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery }: return OutboundFailure.Unresolved;
            }
        }

        return (e as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError => OutboundFailure.Tls,
            HttpRequestError.ConnectionError => OutboundFailure.Unreachable,
            HttpRequestError.NameResolutionError => OutboundFailure.Unresolved,
            _ => OutboundFailure.Broken,
        };
    }
}
