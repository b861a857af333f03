using System.Diagnostics.Metrics;

namespace AuthService.Jobs;

/// <summary>How the queue was when this node looked last; all nodes see the same queue.</summary>
internal sealed class JobFigures : IDisposable
{
    private readonly Meter _meter = new("AuthService.Jobs");
    private Figures? _last;

    public JobFigures()
    {
        Gauge("authservice.jobs.due", "{job}", "Jobs whose time has come and that no node has yet; at most 10,000 are counted. The same on every node.", f => f.Due);
        Gauge("authservice.jobs.oldest_due", "s", "How long the oldest of these has waited.", f => f.OldestDueSeconds);
        Gauge("authservice.jobs.dead", "{job}", "Dead letters; at most 10,000 are counted. The same on every node.", f => f.Dead);
    }

    public void Tell(Figures figures) => Volatile.Write(ref _last, figures);

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, string description, Func<Figures, double> figure) => _meter.CreateObservableGauge<double>(
        name, () => Volatile.Read(ref _last) is { } last ? [new Measurement<double>(figure(last))] : Array.Empty<Measurement<double>>(), unit, description);

    internal sealed record Figures(long Due, double OldestDueSeconds, long Dead);
}
