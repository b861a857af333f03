using Spectre.Console;

namespace Bench.Http;

/// <summary>What is shown at the end: every load in figures, then what was found beside what was to be reached.</summary>
internal sealed class Report
{
    private readonly Table _loads = new();
    private readonly Table _findings = new();

    public Report()
    {
        _loads.AddColumns("load, medians of its rounds", "rounds", "per second", "p50 ms", "p99 ms", "not 2xx");
        _findings.AddColumns("what", "ours", "beside it, same run", "ratio", "at least", "goal", "met");
    }

    public void Load(string what, LoadSeries series)
    {
        if (series.IsEmpty) _loads.AddRow(what, "0", "not here", "", "", "");
        else _loads.AddRow(what, Figures.Text($"{series.Count}"), Figures.Text($"{series.PerSecond:N0}"), Figures.Text($"{series.P50Ms:F2}"), Figures.Text($"{series.P99Ms:F2}"), Figures.Text($"{series.Failed}"));
    }

    /// <summary>A figure there is no bar for.</summary>
    public void Find(string what, FormattableString ours, string beside = "", string ratio = "") =>
        _findings.AddRow(what, Figures.Text(ours), beside, ratio, "", "", "");

    /// <param name="figure">What is held against the bar: the one in <paramref name="ours"/> or in <paramref name="ratio"/>.</param>
    public void Find(string what, FormattableString ours, double figure, Bar bar, string beside = "", string ratio = "") =>
        _findings.AddRow(what, Figures.Text(ours), beside, ratio, bar.AtLeast is { } least ? Figures.Text($"{least:#,0.##}{bar.Unit}") : "", Figures.Text($"{bar.Goal:#,0.##}{bar.Unit}"), bar.Meets(figure));

    /// <summary>"1,234/s", or that there is no such figure.</summary>
    public static string Rate(LoadSeries series) => series.IsEmpty ? "not here" : Figures.Text($"{series.PerSecond:N0}/s");

    public static string Ratio(LoadSeries ours, LoadSeries peer) => peer.IsEmpty ? "" : Figures.Text($"{ours.PerSecond / peer.PerSecond:F2}");

    public void Write()
    {
        Tables.Write(_loads);
        Tables.Write(_findings);
    }
}
