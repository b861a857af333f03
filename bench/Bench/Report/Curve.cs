namespace Bench.Report;

/// <summary>How something grows: several lines over one axis, shown as a picture and as a table.</summary>
/// <param name="name">Of the picture's file, without its end.</param>
/// <param name="x">What the axis counts, and in what.</param>
/// <param name="y">The same of what was measured.</param>
internal sealed class Curve(string name, string title, string x, string y)
{
    private readonly Dictionary<string, SortedDictionary<double, double>> _lines = [];

    public string Name => name;
    public string Title => title;
    public string X => x;
    public string Y => y;

    /// <summary>In steps of tens. Zeros can't be shown then.</summary>
    public bool IsLogarithmicInX { get; init; }

    /// <inheritdoc cref="IsLogarithmicInX"/>
    public bool IsLogarithmicInY { get; init; }

    public bool IsEmpty => _lines.Count == 0;

    /// <summary>Lines in the order they were begun, their points from left to right.</summary>
    public IEnumerable<(string Line, IReadOnlyDictionary<double, double> Points)> Lines => _lines.Select(l => (l.Key, (IReadOnlyDictionary<double, double>)l.Value));

    public void Add(string line, double at, double value)
    {
        if (!_lines.TryGetValue(line, out var points)) _lines[line] = points = [];
        points[at] = value;
    }

    public ReportTable ToTable()
    {
        var table = new ReportTable([x, .. _lines.Keys]);
        foreach (var at in _lines.Values.SelectMany(points => points.Keys).Distinct().Order())
            table.Add([Figures.Short(at), .. _lines.Values.Select(points => points.TryGetValue(at, out var value) ? Figures.Short(value) : "")]);
        return table;
    }
}
