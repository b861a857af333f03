namespace Bench.Report;

/// <summary>What measurements report into: every load in figures, what was found beside what was to be reached, and what explains it.</summary>
internal sealed class Findings
{
    private string _last = "";

    public ReportTable Loads { get; } = new("load, medians of its rounds", "rounds", "per second", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "not 2xx");
    public ReportTable Bars { get; } = new("what", "ours", "beside it, same run", "ratio", "at least", "goal", "met");
    public ReportTable Details { get; } = new("what", "ours", "beside it, same run", "ratio");

    public void Load(string what, LoadSeries series)
    {
        if (series.IsEmpty) Loads.Add(what, "0", "not here", "", "", "", "", "");
        else
        {
            Loads.Add(what, Figures.Text($"{series.Count}"), Figures.Text($"{series.PerSecond:N0}"), Figures.Text($"{series.P50Ms:F2}"), Figures.Text($"{series.P90Ms:F2}"),
                Figures.Text($"{series.P99Ms:F2}"), Figures.Text($"{series.P999Ms:F2}"), Figures.Text($"{series.Failed}"));
        }
    }

    /// <param name="figure">What is held against the bar: the one in <paramref name="ours"/> or in <paramref name="ratio"/>.</param>
    public void Find(string what, FormattableString ours, double figure, Bar bar, string beside = "", string ratio = "")
    {
        if (!what.StartsWith(' ')) _last = what;
        Bars.Add(what, Figures.Text(ours), beside, ratio, bar.AtLeast is { } least ? Figures.Text($"{least:#,0.##}{bar.Unit}") : "", Figures.Text($"{bar.Goal:#,0.##}{bar.Unit}"), bar.Meets(figure));
    }

    /// <summary>A figure that has something beside it, and no bar.</summary>
    public void Find(string what, FormattableString ours, string beside, string ratio)
    {
        _last = what;
        Bars.Add(what, Figures.Text(ours), beside, ratio, "", "", "");
    }

    /// <summary>One more to compare the last figure with.</summary>
    public void Beside(string beside, string ratio) => Bars.Add("", "", beside, ratio, "", "", "");

    /// <summary>A figure there is no bar for.</summary>
    /// <param name="what">Two spaces in front: a part of the last one.</param>
    public void Detail(string what, FormattableString ours, string beside = "", string ratio = "")
    {
        if (!what.StartsWith(' ')) _last = what;
        Details.Add(what.StartsWith(' ') ? _last + ": " + what.Trim() : what, Figures.Text(ours), beside, ratio);
    }

    /// <summary>"1,234/s", or that there is no such figure.</summary>
    public static string Rate(LoadSeries series) => series.IsEmpty ? "not here" : Figures.Text($"{series.PerSecond:N0}/s");

    public static string Ratio(LoadSeries ours, LoadSeries peer) => peer.IsEmpty ? "" : Figures.Text($"{ours.PerSecond / peer.PerSecond:F2}");

    public void Write()
    {
        foreach (var table in new[] { Loads, Bars, Details }.Where(t => t.Rows.Count > 0)) Screen.Write(table);
    }
}
