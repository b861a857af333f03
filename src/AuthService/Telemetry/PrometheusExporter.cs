using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace AuthService.Telemetry;

/// <summary>Turns what is measured into text when somebody asks for it. One at a time: <see cref="ScrapeMetrics"/> sees to that.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly StringBuilder _text = new(64 * 1024);
    private bool _isOpenMetrics;

    /// <summary>Set by the reader that this is given to.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <returns>The text, until the next call. Without a series where nothing is measured.</returns>
    public StringBuilder Write(bool isOpenMetrics)
    {
        _isOpenMetrics = isOpenMetrics;
        _text.Clear();
        if (Collect?.Invoke(Timeout.Infinite) != true) _text.Clear();
        return isOpenMetrics ? _text.Append(PrometheusText.EndOfOpenMetrics) : _text;
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        var text = new PrometheusText(_text, _isOpenMetrics);
        foreach (var metric in batch) Write(text, metric);
        return ExportResult.Success;
    }

    private static void Write(PrometheusText text, Metric metric)
    {
        var (type, suffix) = metric.MetricType == MetricType.Histogram ? ("histogram", "") : Measured.IsCounter(metric.Name, metric.MetricType) ? ("counter", "_total") : ("gauge", "");
        if (!text.TryBegin(PrometheusText.NameOf(metric.Name, metric.Unit), type, metric.Unit, metric.Description)) return;
        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            var labels = new List<KeyValuePair<string, object?>>();
            foreach (var label in point.Tags) labels.Add(label);
            if (type == "histogram") WriteHistogram(text, in point, labels);
            else text.Sample(suffix, labels, ValueOf(metric.MetricType, in point));
        }
    }

    private static double ValueOf(MetricType type, in MetricPoint point) => type switch
    {
        MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
        MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
        MetricType.LongGauge => point.GetGaugeLastValueLong(),
        _ => point.GetGaugeLastValueDouble(),
    };

    private static void WriteHistogram(PrometheusText text, in MetricPoint point, List<KeyValuePair<string, object?>> labels)
    {
        point.TryGetExemplars(out var exemplars);
        var (upTo, below) = (0L, double.NegativeInfinity);
        foreach (var bucket in point.GetHistogramBuckets())
        {
            upTo += bucket.BucketCount;
            text.Sample("_bucket", labels, upTo, bucket.ExplicitBound, TracedIn(exemplars, below, bucket.ExplicitBound));
            below = bucket.ExplicitBound;
        }

        text.Sample("_sum", labels, point.GetHistogramSum());
        text.Sample("_count", labels, point.GetHistogramCount());
    }

    private static TracedSample? TracedIn(ReadOnlyExemplarCollection exemplars, double above, double upTo)
    {
        foreach (ref readonly var exemplar in exemplars)
        {
            if (exemplar.DoubleValue > above && exemplar.DoubleValue <= upTo && exemplar is { TraceId: { } trace, SpanId: { } span })
                return new TracedSample(exemplar.DoubleValue, trace.ToHexString(), span.ToHexString(), exemplar.Timestamp);
        }

        return null;
    }
}
