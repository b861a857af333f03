using System.Globalization;
using System.Text;

namespace AuthService.Telemetry;

/// <summary>A sample that was measured while a request was traced: it leads from a figure to the trace.</summary>
internal readonly record struct TracedSample(double Value, string TraceId, string SpanId, DateTimeOffset At);

/// <summary>
/// Writes metrics as Prometheus reads them: text format 0.0.4, or OpenMetrics 1.0, which has units and exemplars. Names and labels are brought into the form both
/// demand, so that nothing that is measured can spoil the whole answer.
/// </summary>
internal sealed class PrometheusText(StringBuilder text, bool isOpenMetrics)
{
    /// <summary>Without it the reader takes an answer for cut off.</summary>
    public const string EndOfOpenMetrics = "# EOF\n";

    private readonly HashSet<string> _families = new(StringComparer.Ordinal);
    private readonly HashSet<string> _labels = new(StringComparer.Ordinal);
    private string _family = "";

    /// <summary>The name of a family: the instrument's with <c>_</c> for what a name can't have, and its unit at the end.</summary>
    /// <param name="unit">In UCUM: <c>s</c>, <c>By</c>; what is in braces counts things and is left out.</param>
    public static string NameOf(string instrument, string? unit)
    {
        var name = Sanitized(instrument, mayHaveColon: true);
        return UnitOf(unit) is { } word && !name.EndsWith("_" + word, StringComparison.Ordinal) ? $"{name}_{word}" : name;
    }

    /// <summary>Begins a family of series.</summary>
    /// <param name="name">From <see cref="NameOf"/>, without a counter's <c>_total</c>.</param>
    /// <param name="type"><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
    /// <returns>False: there is one of this name already; its samples must not be written.</returns>
    public bool TryBegin(string name, string type, string? unit, string? help)
    {
        if (!_families.Add(name)) return false;
        _family = name;
        var shown = type == "counter" && !isOpenMetrics ? name + "_total" : name;
        text.Append("# TYPE ").Append(shown).Append(' ').Append(type).Append('\n');
        if (isOpenMetrics && UnitOf(unit) is { } word) text.Append("# UNIT ").Append(shown).Append(' ').Append(word).Append('\n');
        text.Append("# HELP ").Append(shown).Append(' ');
        AppendEscaped(help is { Length: > 0 } ? help : "Not described.", escapesQuotes: isOpenMetrics);
        text.Append('\n');
        return true;
    }

    /// <summary>One series of the family.</summary>
    /// <param name="suffix"><c>_total</c>, <c>_bucket</c>, <c>_sum</c>, <c>_count</c>, or empty.</param>
    /// <param name="upTo">Of a bucket: its bound.</param>
    public void Sample(string suffix, IEnumerable<KeyValuePair<string, object?>> labels, double value, double? upTo = null, TracedSample? traced = null)
    {
        text.Append(_family).Append(suffix);
        _labels.Clear();
        foreach (var (key, label) in labels) AppendLabel(Sanitized(key, mayHaveColon: false), Convert.ToString(label, CultureInfo.InvariantCulture) ?? "");
        if (upTo is { } bound) AppendLabel("le", Number(bound));
        if (_labels.Count > 0) text.Append('}');
        text.Append(' ').Append(Number(value));
        if (isOpenMetrics && traced is { } sample)
        {
            text.Append(" # {trace_id=\"").Append(sample.TraceId).Append("\",span_id=\"").Append(sample.SpanId).Append("\"} ").Append(Number(sample.Value)).Append(' ');
            text.Append(CultureInfo.InvariantCulture, $"{sample.At.ToUnixTimeMilliseconds() / 1000.0:F3}");
        }

        text.Append('\n');
    }

    /// <summary>The label; of two that became the same name the first: twice the same is an error to who reads it.</summary>
    private void AppendLabel(string name, string value)
    {
        if (value.Length == 0 || !_labels.Add(name)) return;   // an empty label is one that isn't there
        text.Append(_labels.Count == 1 ? '{' : ',').Append(name).Append("=\"");
        AppendEscaped(value, escapesQuotes: true);
        text.Append('"');
    }

    private void AppendEscaped(string value, bool escapesQuotes)
    {
        foreach (var character in value)
        {
            if (character == '\n') text.Append("\\n");
            else if (character == '\\' || (character == '"' && escapesQuotes)) text.Append('\\').Append(character);
            else text.Append(character);
        }
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Sanitized(string name, bool mayHaveColon)
    {
        if (name.Length == 0) return "_";
        var clean = string.Create(name.Length, (name, mayHaveColon), static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                var character = from.name[i];
                span[i] = char.IsAsciiLetterOrDigit(character) || (character == ':' && from.mayHaveColon) ? character : '_';
            }
        });
        return char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }

    private static string? UnitOf(string? unit) => unit switch { "s" => "seconds", "By" => "bytes", _ => null };
}
