using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AuthService.Telemetry;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Telemetry;

public partial class PrometheusTextTests
{
    private static readonly Gen<string> Texts = Gen.Elements("aZ_0:.{}\"\\\n ,=ä€\r#".ToCharArray()).ListOf().Select(list => new string([.. list]));
    private static readonly Gen<double> Numbers = Gen.OneOf(
        Gen.Elements(0, -0.0, 1, 0.1, 1e21, -1e-9, double.MaxValue, double.Epsilon, double.NaN, double.PositiveInfinity, double.NegativeInfinity),
        Gen.Choose(int.MinValue, int.MaxValue).Select(n => n / 1000.0));

    [Theory]
    [InlineData("http.server.request.duration", "s", "http_server_request_duration_seconds")]
    [InlineData("solid_cache.size", "By", "solid_cache_size_bytes")]
    [InlineData("size_bytes", "By", "size_bytes")]                 // not twice
    [InlineData("permissions_cache_hits", "{question}", "permissions_cache_hits")]
    [InlineData("9.lives", null, "_9_lives")]
    [InlineData("", null, "_")]
    public void A_name_is_the_instruments_in_the_form_Prometheus_takes(string instrument, string? unit, string name) => Assert.Equal(name, PrometheusText.NameOf(instrument, unit));

    // Read by the grammar of the format, what was written is what was meant, whatever is in names, labels and help. Leave the backslash out of AppendEscaped, or write a label
    // although one of its name is there, and this finds it.
    [Fact]
    public void What_is_written_reads_back()
    {
        var families =
            from name in Texts
            from help in Texts
            from labels in Gen.Zip(Texts, Texts).ListOf()
            from value in Numbers
            from isOpenMetrics in Gen.Elements(true, false)
            select (name, help, labels: labels.ToList(), value, isOpenMetrics);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(families.ToArbitrary(), family =>
        {
            var (name, help, labels, value, isOpenMetrics) = family;
            var text = new StringBuilder();
            var writer = new PrometheusText(text, isOpenMetrics);
            Assert.True(writer.TryBegin(PrometheusText.NameOf(name, "s"), "gauge", "s", help));
            writer.Sample("", labels.Select(l => new KeyValuePair<string, object?>(l.Item1, l.Item2)), value);

            var lines = text.ToString().Split('\n');
            var read = Assert.Single(lines, line => line.Length > 0 && line[0] != '#');
            Assert.Equal("", lines[^1]);
            Assert.Equal(isOpenMetrics ? 5 : 4, lines.Length);
            Assert.Equal(help.Length == 0 ? "Not described." : help, Unescaped(lines.Single(line => line.StartsWith("# HELP ", StringComparison.Ordinal)).Split(' ', 4)[3]));
            var sample = Sample().Match(read);
            Assert.True(sample.Success, read);
            Assert.Equal(PrometheusText.NameOf(name, "s"), sample.Groups["name"].Value);
            Assert.Equal(value, Number(sample.Groups["value"].Value));

            var readLabels = sample.Groups["key"].Captures.Zip(sample.Groups["label"].Captures, (k, l) => (k.Value, Unescaped(l.Value))).ToList();
            Assert.Equal(readLabels.Count, readLabels.Select(l => l.Value).Distinct(StringComparer.Ordinal).Count());
            Assert.All(readLabels, l => Assert.Contains(l.Item2, labels.Select(given => given.Item2)));
            Assert.Equal(labels.Any(l => l.Item2.Length > 0), readLabels.Count > 0);
        }));
    }

    [Fact]
    public void A_family_is_written_once()
    {
        var text = new StringBuilder();
        var writer = new PrometheusText(text, isOpenMetrics: false);
        Assert.True(writer.TryBegin("a", "counter", null, "One."));
        Assert.False(writer.TryBegin("a", "gauge", null, "Another."));
        writer.Sample("_total", [], 3);
        Assert.Equal("# TYPE a_total counter\n# HELP a_total One.\na_total 3\n", text.ToString());
    }

    [Fact]
    public void OpenMetrics_has_units_and_exemplars()
    {
        var text = new StringBuilder();
        var writer = new PrometheusText(text, isOpenMetrics: true);
        writer.TryBegin("wait_seconds", "histogram", "s", "Waits.");
        writer.Sample("_bucket", [new("pool", "primary")], 2, 0.5, new TracedSample(0.25, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123)));
        writer.Sample("_bucket", [new("pool", "primary")], 2, double.PositiveInfinity);
        Assert.Equal(
            """
            # TYPE wait_seconds histogram
            # UNIT wait_seconds seconds
            # HELP wait_seconds Waits.
            wait_seconds_bucket{pool="primary",le="0.5"} 2 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"} 0.25 1700000000.123
            wait_seconds_bucket{pool="primary",le="+Inf"} 2

            """,
            text.ToString());
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static string Unescaped(string text) => Escape().Replace(text, match => match.Value == "\\n" ? "\n" : match.Value[1..]);

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?<key>[a-zA-Z_][a-zA-Z0-9_]*)="(?<label>([^"\\\n]|\\["\\n])*)"(,(?!\}))?)+\})? (?<value>\S+)$""", RegexOptions.ExplicitCapture)]
    private static partial Regex Sample();

    [GeneratedRegex("""\\[n"\\]""")]
    private static partial Regex Escape();
}
