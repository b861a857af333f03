using System.Diagnostics;
using OpenTelemetry.Trace;

namespace AuthService.Telemetry;

/// <summary>
/// Which requests are traced: those whose caller says so, and a part of the others; what happens within a request goes with it. Nothing else begins a trace: what the
/// node asks of its own accord would be most of them. Whoever says so, no more than a number of traces begin in a second.
/// </summary>
internal sealed class TraceSampler(double ratio, int maxPerSecond, TimeProvider clock) : Sampler
{
    private static readonly SamplingResult No = new(SamplingDecision.Drop), Yes = new(SamplingDecision.RecordAndSample);

    private readonly TraceIdRatioBasedSampler _part = new(ratio);
    private readonly Lock _gate = new();
    private long _secondBegan = clock.GetTimestamp();
    private int _begun;

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        var parent = samplingParameters.ParentContext;
        if (parent != default && !parent.IsRemote) return parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded) ? Yes : No;
        if (samplingParameters.Kind != ActivityKind.Server) return No;
        var isAskedFor = parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);
        return (isAskedFor || _part.ShouldSample(samplingParameters).Decision == SamplingDecision.RecordAndSample) && MayBegin() ? Yes : No;
    }

    private bool MayBegin()
    {
        lock (_gate)
        {
            if (clock.GetElapsedTime(_secondBegan) >= TimeSpan.FromSeconds(1)) (_secondBegan, _begun) = (clock.GetTimestamp(), 0);
            return _begun++ < maxPerSecond;
        }
    }
}
