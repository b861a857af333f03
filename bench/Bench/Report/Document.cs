namespace Bench.Report;

/// <summary>Everything a run has to say, before it is put on a screen (<see cref="Screen"/>) or into a file (<see cref="Markdown"/>).</summary>
internal sealed class Document(string title)
{
    public string Title => title;
    public List<Section> Sections { get; } = [];

    public Section Add(string heading, string text = "")
    {
        var section = new Section(heading, text);
        Sections.Add(section);
        return section;
    }
}

/// <param name="Text">Paragraphs in Markdown.</param>
internal sealed record Section(string Heading, string Text)
{
    public List<ReportTable> Tables { get; } = [];

    /// <summary>Each of them is a picture and a table.</summary>
    public List<Curve> Curves { get; } = [];
}

/// <summary>A table, cells as they are read by people.</summary>
internal sealed class ReportTable(params string[] columns)
{
    public string[] Columns => columns;
    public List<string[]> Rows { get; } = [];

    /// <param name="cells">As many as there are columns.</param>
    public void Add(params string[] cells)
    {
        if (cells.Length != columns.Length) throw new ArgumentException(Figures.Text($"{cells.Length} cells for {columns.Length} columns."), nameof(cells));
        Rows.Add(cells);
    }
}
