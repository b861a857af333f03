using System.Diagnostics.Metrics;

namespace AuthService.Outbound;

/// <summary>What is measured of calls to others. No host is in a label: they are as many as users care to write.</summary>
internal sealed class OutboundMetrics : IDisposable
{
    private readonly Meter _meter = new("AuthService");
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _tries;

    public OutboundMetrics()
    {
        _requests = _meter.CreateCounter<long>("authservice.outbound.requests", "{request}", "Requests to others, by purpose and by what they came to.");
        _tries = _meter.CreateCounter<long>("authservice.outbound.tries", "{try}", "Tries of requests to others.");
        _duration = _meter.CreateHistogram<double>("authservice.outbound.duration", "s", "Duration of requests to others, with all tries.");
    }

    public void Watch(Func<int> openCircuits) =>
        _meter.CreateObservableGauge("authservice.outbound.circuits.open", openCircuits, "{host}", "Hosts that kept failing and are left alone for now.");

    public void Tried(string purpose) => _tries.Add(1, new KeyValuePair<string, object?>("purpose", purpose));

    /// <param name="outcome">Such as <c>2xx</c>, or a failure's name.</param>
    public void Ended(string purpose, string outcome, TimeSpan took)
    {
        _requests.Add(1, new("purpose", purpose), new("outcome", outcome));
        _duration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("purpose", purpose));
    }

    public static string NameOf(OutboundFailure failure) => failure switch
    {
        OutboundFailure.Refused => "refused",
        OutboundFailure.Unresolved => "unresolved",
        OutboundFailure.Unreachable => "unreachable",
        OutboundFailure.Tls => "tls",
        OutboundFailure.Timeout => "timeout",
        OutboundFailure.Oversized => "oversized",
        OutboundFailure.Broken => "broken",
        OutboundFailure.Open => "open",
        _ => "busy",
    };

    public static string NameOf(int status) => status switch { < 200 => "1xx", < 300 => "2xx", < 400 => "3xx", < 500 => "4xx", _ => "5xx" };

    public void Dispose() => _meter.Dispose();
}
