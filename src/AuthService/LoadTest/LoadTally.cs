namespace AuthService.LoadTest;

/// <summary>What became of the requests of a load so far.</summary>
internal sealed class LoadTally
{
    /// <summary>What became of a request that was never sent: it was given up.</summary>
    public const string NotSent = "not_sent";

    private readonly Lock _gate = new();
    private readonly Dictionary<RequestKind, OfKind> _kinds = [];
    private readonly OfKind _all = new();
    private readonly LatencyHistogram _wokeLate = new();
    private long _foundAllBusy;
    private long _longestWait;

    public void Add(RequestKind kind, string outcome, RequestTimes times)
    {
        lock (_gate)
        {
            foreach (var tally in new[] { _all, Of(kind) })
            {
                tally.Count(outcome);
                tally.FromDue.Record(Microseconds(times.Ended - times.Due));
                tally.FromSent.Record(Microseconds(times.Ended - times.Sent));
            }

            // Late because nothing was free is the service's doing, and in the latency; late although there was is the generator's.
            var late = Microseconds(times.Sent - times.Due);
            if (!times.FoundAllBusy) _wokeLate.Record(late);
            else (_foundAllBusy, _longestWait) = (_foundAllBusy + 1, Math.Max(_longestWait, late));
        }
    }

    public void GaveUp(RequestKind kind)
    {
        lock (_gate)
        {
            _all.Count(NotSent);
            Of(kind).Count(NotSent);
        }
    }

    public LoadReport Report(LoadPlan plan, TimeSpan took, TimeSpan processor)
    {
        lock (_gate)
        {
            var generator = new GeneratorReport(
                Ms(_wokeLate.Percentile(0.5)), Ms(_wokeLate.Percentile(0.99)), Ms(_wokeLate.Max), _foundAllBusy, Ms(_longestWait), processor.TotalSeconds / took.TotalSeconds);
            var kinds = _kinds.OrderBy(k => k.Key).Select(k => k.Value.Report(k.Key.ToString().ToLowerInvariant()));
            return new LoadReport(
                plan.Rate, _all.Total / Math.Max(took.TotalSeconds, plan.Duration.TotalSeconds), plan.Duration.TotalSeconds, took.TotalSeconds, plan.Connections, _all.Report("all"), [.. kinds], generator);
        }
    }

    private OfKind Of(RequestKind kind)
    {
        if (!_kinds.TryGetValue(kind, out var tally)) _kinds[kind] = tally = new OfKind();
        return tally;
    }

    private static long Microseconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static double Ms(long microseconds) => microseconds / 1_000.0;

    private sealed class OfKind
    {
        private readonly SortedDictionary<string, long> _outcomes = new(StringComparer.Ordinal);

        public LatencyHistogram FromDue { get; } = new();
        public LatencyHistogram FromSent { get; } = new();
        public long Total => FromDue.Count;

        public void Count(string outcome) => _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;

        public KindReport Report(string name) => new(
            name, _outcomes.Values.Sum(), _outcomes.Where(o => !o.Key.StartsWith('2')).Sum(o => o.Value), new Dictionary<string, long>(_outcomes, StringComparer.Ordinal), Latency(FromDue), Latency(FromSent));

        private static LatencyReport Latency(LatencyHistogram of) =>
            new(Ms(of.Percentile(0.5)), Ms(of.Percentile(0.9)), Ms(of.Percentile(0.99)), Ms(of.Percentile(0.999)), Ms(of.Max));
    }
}
