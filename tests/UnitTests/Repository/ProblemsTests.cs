using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using AuthService;
using AuthService.Client;

namespace UnitTests.Repository;

/// <summary>Codes are what clients branch on: each is said once in the code and once in <c>docs/errors.md</c>.</summary>
public partial class ProblemsTests
{
    private static readonly List<(string Place, Problem Problem)> All =
    [
        .. from type in typeof(Problem).Assembly.GetTypes()
           from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
           where field.FieldType == typeof(Problem)
           select ($"{type.Name}.{field.Name}", (Problem)field.GetValue(null)!),
    ];

    // Copy a problem and forget its code, and this names both.
    [Fact]
    public void Every_code_stands_for_one_problem()
    {
        Assert.True(All.Count > 25, $"only {All.Count} problems");
        Assert.Empty(All.GroupBy(p => p.Problem.Code).Where(g => g.Count() > 1).Select(g => $"{g.Key}: {string.Join(", ", g.Select(p => p.Place))}"));
        Assert.All(All, p => Assert.Matches(Code(), p.Problem.Code));
        Assert.All(All, p => Assert.True(p.Problem.Status is (>= 400 and < 500) or 503 || p.Problem.Code == "http.unexpected", $"{p.Place} has status {p.Problem.Status}"));
        Assert.All(All, p => Assert.True(p.Problem.Status != 503 || p.Problem.RetryAfterSeconds is > 0, $"{p.Place} does not say when to try again"));
        Assert.All(All, p => Assert.EndsWith(".", p.Problem.Title, StringComparison.Ordinal));
    }

    // A problem made on the spot would escape the comparison with the documentation.
    [Fact]
    public void Problems_are_made_as_named_fields_only()
    {
        var made =
            from file in RepositoryRoot.Sources("src/AuthService")
            where file != "Outcome.cs"
            from line in RepositoryRoot.Read("src/AuthService", file).Split('\n')
            where line.Contains("new Problem(", StringComparison.Ordinal)
            select $"{file}: {line.Trim()}";
        Assert.Empty(made);
    }

    // Add a problem without a line in docs/errors.md, give it another status there, or leave a line standing whose problem is gone.
    [Fact]
    public void The_documentation_lists_every_code_with_its_status_and_no_other()
    {
        var fields = FieldErrors().Concat(typeof(FieldCodes).GetFields().Select(f => (string)f.GetValue(null)!)).Distinct(StringComparer.Ordinal).Select(code => (code, 422));
        var inCode = All.Select(p => (p.Problem.Code, p.Problem.Status)).Concat(fields).Order().Select(c => $"{c.Item1} {c.Item2}").ToList();
        var inDocs = Row().Matches(RepositoryRoot.Read("docs", "errors.md"))
            .Select(m => (m.Groups["code"].Value, int.Parse(m.Groups["status"].Value, CultureInfo.InvariantCulture))).Order().Select(c => $"{c.Item1} {c.Item2}").ToList();
        Assert.True(inDocs.Count == inDocs.Distinct(StringComparer.Ordinal).Count(), "docs/errors.md lists a code twice");
        Assert.True(!inCode.Except(inDocs).Any(), "Not in docs/errors.md, as | `code` | status | …: " + string.Join(", ", inCode.Except(inDocs)));
        Assert.True(!inDocs.Except(inCode).Any(), "In docs/errors.md, but not in the code: " + string.Join(", ", inDocs.Except(inCode)));
    }

    // Codes of one account among many: they have no status, the call has succeeded.
    [Fact]
    public void The_documentation_lists_every_code_of_a_row_and_no_other()
    {
        var own =
            from file in RepositoryRoot.Sources("src/AuthService")
            from Match made in RowProblemMade().Matches(RepositoryRoot.Read("src/AuthService", file))
            select made.Groups["code"].Value;
        var inDocs = RowOfRow().Matches(RepositoryRoot.Read("docs", "errors.md")).Select(m => m.Groups["code"].Value);
        Assert.Equal(own.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), inDocs.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> FieldErrors() =>
        from file in RepositoryRoot.Sources("src/AuthService")
        from Match made in FieldErrorMade().Matches(RepositoryRoot.Read("src/AuthService", file))
        select made.Groups["code"].Value;

    [GeneratedRegex(@"^[a-z_]+\.[a-z_]+\z")]
    private static partial Regex Code();

    [GeneratedRegex(@"^\| `(?<code>[a-z_]+\.[a-z_]+)` \| (?<status>\d{3}) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| `(?<code>[a-z_]+\.[a-z_]+)` \| +\|", RegexOptions.Multiline)]
    private static partial Regex RowOfRow();

    [GeneratedRegex(@"(?:new RowProblem\(|RowProblem \w+ = new\()""(?<code>[a-z_]+\.[a-z_]+)""")]
    private static partial Regex RowProblemMade();

    [GeneratedRegex(@"\bnew(?: FieldError)?\([^,()]+, ""(?<code>[a-z_]+\.[a-z_]+)"", [""$]")]
    private static partial Regex FieldErrorMade();
}
