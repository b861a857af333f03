using Spectre.Console;

namespace Bench.Report;

/// <summary>A document, or a table of one, on the console.</summary>
internal static class Screen
{
    public static void Write(Document document)
    {
        foreach (var section in document.Sections)
        {
            Console.WriteLine(Environment.NewLine + section.Heading);
            foreach (var table in section.Tables) Write(table);
            foreach (var curve in section.Curves.Where(c => !c.IsEmpty))
            {
                Console.WriteLine(curve.Title + " (" + curve.Y + ")");
                Write(curve.ToTable());
            }
        }
    }

    public static void Write(ReportTable table)
    {
        var shown = new Table().AddColumns([.. table.Columns.Select(Markup.Escape)]);
        foreach (var row in table.Rows) shown.AddRow([.. row.Select(Markup.Escape)]);
        Tables.Write(shown);
    }
}
