namespace AuthService.Features.Status;

/// <summary>
/// Durations by route over the last minute, from what the framework measures anyway (<c>http.server.request.duration</c>). Six parts of ten seconds, in each of which a route
/// has a count for every step of a quarter of an octave: a percentile is right to some ten percent, and a route takes 2 KB however much it is asked.
/// </summary>
internal sealed class RouteLatencies(TimeProvider clock)
{
    private const int MaxRoutes = 300;
    private const int Parts = 6;
    private const int Steps = 80;   // 4 an octave from 0.05 ms: up to 52 s
    private const double FirstStepMs = 0.05;

    private static readonly TimeSpan PartLength = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Method, string Route), Window> _routes = [];
    private readonly Window _all = new();
    private readonly long _began = clock.GetTimestamp();
    private long _total;
    private long _failed;

    public void Add(string method, string route, int status, double milliseconds)
    {
        var isFailed = status >= 500;
        lock (_lock)
        {
            var part = (long)(clock.GetElapsedTime(_began) / PartLength);
            _total++;
            if (isFailed) _failed++;
            _all.Add(part, milliseconds, isFailed);
            if (!_routes.TryGetValue((method, route), out var window))
            {
                if (_routes.Count == MaxRoutes) return;   // there aren't so many
                _routes[(method, route)] = window = new Window();
            }

            window.Add(part, milliseconds, isFailed);
        }
    }

    public RequestFigures All()
    {
        lock (_lock)
        {
            var sum = _all.Sum(Now());
            return new RequestFigures(_total, _failed, sum.Count == 0 ? null : sum.Percentile(0.5), sum.Count == 0 ? null : sum.Percentile(0.99));
        }
    }

    public IReadOnlyList<RouteFigures> Slowest(int count)
    {
        lock (_lock)
        {
            var now = Now();
            return [.. _routes.Select(r => (Name: $"{r.Key.Method} {r.Key.Route}", Sum: r.Value.Sum(now))).Where(r => r.Sum.Count > 0)
                .Select(r => new RouteFigures(r.Name, r.Sum.Count, r.Sum.Failed, r.Sum.Percentile(0.5), r.Sum.Percentile(0.99), r.Sum.MaxMs))
                .OrderByDescending(r => r.P99Ms).ThenBy(r => r.Route, StringComparer.Ordinal).Take(count)];
        }
    }

    private long Now() => (long)(clock.GetElapsedTime(_began) / PartLength);

    private sealed class Window
    {
        private readonly Part[] _parts = [.. Enumerable.Range(0, Parts).Select(_ => new Part())];

        public void Add(long number, double milliseconds, bool isFailed)
        {
            var part = _parts[number % Parts];
            if (part.Number != number) part.Begin(number);
            part.Add(milliseconds, isFailed);
        }

        public Part Sum(long now)
        {
            var sum = new Part();
            foreach (var part in _parts) if (part.Number > now - Parts && part.Number <= now) sum.Add(part);
            return sum;
        }
    }

    private sealed class Part
    {
        private readonly int[] _steps = new int[Steps];

        public long Number { get; private set; } = -Parts;
        public long Count { get; private set; }
        public long Failed { get; private set; }
        public double MaxMs { get; private set; }

        public void Begin(long number)
        {
            (Number, Count, Failed, MaxMs) = (number, 0, 0, 0);
            Array.Clear(_steps);
        }

        public void Add(double milliseconds, bool isFailed)
        {
            _steps[Math.Clamp((int)Math.Ceiling(4 * Math.Log2(Math.Max(milliseconds, FirstStepMs) / FirstStepMs)), 0, Steps - 1)]++;
            Count++;
            if (isFailed) Failed++;
            MaxMs = Math.Max(MaxMs, milliseconds);
        }

        public void Add(Part other)
        {
            for (var i = 0; i < Steps; i++) _steps[i] += other._steps[i];
            (Count, Failed, MaxMs) = (Count + other.Count, Failed + other.Failed, Math.Max(MaxMs, other.MaxMs));
        }

        /// <summary>The upper end of the step it falls into, and never more than the longest.</summary>
        public double Percentile(double share)
        {
            var (rank, seen) = ((long)Math.Ceiling(share * Count), 0L);
            for (var i = 0; i < Steps; i++)
            {
                seen += _steps[i];
                if (seen >= rank) return Math.Min(MaxMs, FirstStepMs * Math.Pow(2, i / 4.0));
            }

            return MaxMs;
        }
    }
}
