using Bench.Report;

namespace Bench.Suite;

/// <summary>What all parts of the suite report into.</summary>
internal sealed class SuiteReport
{
    public Findings Findings { get; } = new();
    public Gains Gains { get; } = new();
    public ReportTable Circumstances { get; } = new("", "");
    public List<Curve> Curves { get; } = [];

    /// <returns>The curve, to be filled.</returns>
    public Curve Add(Curve curve)
    {
        Curves.Add(curve);
        return curve;
    }

    public Document ToDocument(string name, Steps steps)
    {
        var document = new Document("How fast it is: " + name);
        document.Add("What it was measured on", Figures.Text($"""
            `./dev bench` measures this again: {steps.Elapsed.TotalMinutes:F0} minutes here. The service, PostgreSQL, what it is compared with and the generator of the load all run on this machine. Loads that are compared take turns, at least five rounds each (a curve's three), and
            medians are told. Absolute figures differ from machine to machine, and with what else a machine does meanwhile; ratios differ least.
            """)).Tables.Add(Circumstances);
        document.Add("What was to be reached", """
            "At least" and "goal" are bars for two cores. *Met* says which of them was reached. Beside our figure is what does the same in the same run: FastAPI with Redis (stores nothing on refresh, signs with HS256), ASP.NET Core Identity, bare Kestrel (answers a
            constant), the limit (Kestrel with no more than what can't be left out: of a check JSON in and out, of a refresh also one ES256 signature and one batched round
            trip that stores it), Npgsql alone (a prepared statement a question), two statements (a count and a page). See [the peers](../peers/README.md).
            """).Tables.Add(Findings.Bars);
        document.Add("Throughput and latency by path", "Closed loop: each connection sends its next request when it has its answer. Times are the client's.").Tables.Add(Findings.Loads);
        document.Add("What caching, batching and single statements gain", """
            Claims are those of the system this one replaces, on its machines, quoted. *Before* and *after* were both measured here, in this run; what *before* leaves out is a setting of the service, or the statement one would write instead.
            """).Tables.Add(Gains.Table);
        document.Add("How it grows").Curves.AddRange(Curves);
        document.Add("Details").Tables.Add(Findings.Details);
        if (steps.Failures.Rows.Count > 0) document.Add("What broke").Tables.Add(steps.Failures);
        return document;
    }
}
