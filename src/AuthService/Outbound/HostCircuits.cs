using Polly;
using Polly.CircuitBreaker;

namespace AuthService.Outbound;

/// <summary>A circuit breaker for each host and port: one that keeps failing costs nobody a connection and a time-out for a while, and no other host anything.</summary>
internal sealed class HostCircuits(OutboundOptions options, TimeProvider clock)
{
    /// <summary>Hosts that are remembered. Of more, that which was asked last the longest time ago is forgotten, and counted anew.</summary>
    private const int MaxHosts = 1_000;

    private const int MinRequests = 5;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Circuit> _byHost = new(StringComparer.Ordinal);

    public int Open
    {
        get
        {
            lock (_lock) return _byHost.Values.Count(c => c.State.CircuitState is CircuitState.Open);
        }
    }

    public ResiliencePipeline<OutboundAnswer> Of(Uri url)
    {
        lock (_lock)
        {
            if (!_byHost.TryGetValue(url.Authority, out var circuit))
            {
                if (_byHost.Count == MaxHosts) _byHost.Remove(_byHost.MinBy(c => c.Value.AskedAt).Key);
                _byHost.Add(url.Authority, circuit = New());
            }

            circuit.AskedAt = clock.GetTimestamp();
            return circuit.Pipeline;
        }
    }

    private Circuit New()
    {
        var state = new CircuitBreakerStateProvider();
        var pipeline = new ResiliencePipelineBuilder<OutboundAnswer> { TimeProvider = clock }.AddCircuitBreaker(new CircuitBreakerStrategyOptions<OutboundAnswer>
        {
            FailureRatio = 0.9,
            MinimumThroughput = MinRequests,
            SamplingDuration = Window,
            BreakDuration = options.BreakTime,
            StateProvider = state,
            ShouldHandle = static o => ValueTask.FromResult(o.Outcome is { Exception: OutboundFailedException { IsOfTheHost: true } } or { Result.Status: >= 500 }),
        }).Build();
        return new Circuit(pipeline, state);
    }

    private sealed class Circuit(ResiliencePipeline<OutboundAnswer> pipeline, CircuitBreakerStateProvider state)
    {
        public ResiliencePipeline<OutboundAnswer> Pipeline => pipeline;
        public CircuitBreakerStateProvider State => state;
        public long AskedAt { get; set; }
    }
}
