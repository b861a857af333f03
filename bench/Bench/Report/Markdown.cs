using System.Text;

namespace Bench.Report;

/// <summary>A document as GitHub shows it.</summary>
internal static class Markdown
{
    /// <param name="pictures">Folder of the pictures, seen from the file.</param>
    public static string Of(Document document, string pictures)
    {
        var text = new StringBuilder().Append("# ").Append(document.Title).Append('\n');
        foreach (var section in document.Sections)
        {
            text.Append("\n## ").Append(section.Heading).Append('\n');
            if (section.Text.Length > 0) text.Append('\n').Append(section.Text).Append('\n');
            foreach (var table in section.Tables) Append(text, table);
            foreach (var curve in section.Curves.Where(c => !c.IsEmpty))
            {
                text.Append("\n### ").Append(curve.Title).Append("\n\n![").Append(curve.Title).Append("](").Append(pictures).Append('/').Append(curve.Name).Append(".svg)\n");
                text.Append('\n').Append(curve.Y).Append(":\n");
                Append(text, curve.ToTable());
            }
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, ReportTable table)
    {
        text.Append('\n');
        AppendRow(text, table.Columns);
        AppendRow(text, Enumerable.Range(0, table.Columns.Length).Select(i => IsOfNumbers(table, i) ? "---:" : "---"));
        foreach (var row in table.Rows) AppendRow(text, row);
    }

    private static void AppendRow(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(Escape)).Append(" |\n");

    /// <summary>Figures stand below each other by their last digit.</summary>
    private static bool IsOfNumbers(ReportTable table, int column)
    {
        var cells = table.Rows.Select(row => row[column]).Where(cell => cell.Length > 0).ToList();
        return cells.Count > 0 && cells.TrueForAll(cell => char.IsAsciiDigit(cell[0]) || cell[0] is '-' && cell.Length > 1 && char.IsAsciiDigit(cell[1]));
    }

    // Two spaces set a row below the one above it; Markdown would drop them.
    private static string Escape(string cell)
    {
        var escaped = cell.Trim().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal).Replace("\n", "<br>", StringComparison.Ordinal);
        return cell.StartsWith("  ", StringComparison.Ordinal) ? "– " + escaped : escaped;
    }
}
