using Bench.Report;

namespace Bench.Suite;

/// <summary>What each of the things that make the service fast is worth: the same with it and without it, on this machine, beside what the system claimed that it replaces.</summary>
internal sealed class Gains
{
    public ReportTable Table { get; } = new("what", "claimed of the reference", "before", "after", "before ÷ after", "before is", "after is");

    /// <summary>What <see cref="Http.MissPart"/> has found, in milliseconds.</summary>
    public void Add((double Statement, double Miss, double Hit) lookUp)
    {
        Add("a look-up of rights, in process, 1 caller", "1.5 → 0.3 ms", lookUp.Statement, lookUp.Hit, " ms", "a statement through Npgsql", "in memory");
        Add("the same when nobody has asked before", "", lookUp.Statement, lookUp.Miss, " ms", "a statement through Npgsql", "not in memory");
    }

    /// <summary>What <see cref="Http.MixPart"/> has found: reads for rights and sessions per 1,000 requests.</summary>
    public void Add((double On, double Off) reads) => Add(
        Figures.Text($"reads for rights and sessions per 1,000 requests of the mix ({100 * (reads.On / reads.Off - 1):F1} %)"), "−90 to −98 %", reads.Off, reads.On, "",
        "`PermissionCache:Enabled=false`", "as shipped");

    /// <param name="unit">Of both figures, with a space in front where it takes one.</param>
    public void Add(string what, string claimed, double before, double after, string unit, string beforeIs, string afterIs) => Table.Add(
        what, claimed, Figures.Short(before) + unit, (after < 0.01 ? Figures.Text($"{after:0.######}") : Figures.Short(after)) + unit, after > 0 ? Figures.Short(before / after) : "", beforeIs, afterIs);
}
