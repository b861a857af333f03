namespace Bench.Report;

/// <summary>The same load, round after round. Empty where the program it was meant for is not here.</summary>
internal sealed class LoadSeries
{
    private readonly List<WrkResult> _runs = [];

    public bool IsEmpty => _runs.Count == 0;
    public int Count => _runs.Count;
    public long Requests => _runs.Sum(r => r.Requests);
    public long Failed => _runs.Sum(r => r.Failed);
    public double PerSecond => Figures.Median(_runs.Select(r => r.PerSecond));
    public double P50Ms => Figures.Median(_runs.Select(r => r.P50Ms));
    public double P90Ms => Figures.Median(_runs.Select(r => r.P90Ms));
    public double P99Ms => Figures.Median(_runs.Select(r => r.P99Ms));
    public double P999Ms => Figures.Median(_runs.Select(r => r.P999Ms));

    public void Add(WrkResult? run)
    {
        if (run is not null) _runs.Add(run);
    }
}
