using System.Globalization;
using System.Text.RegularExpressions;
using AuthService.Features.Events;
using AuthService.Features.Status;

namespace IntegrationTests.Http;

/// <summary>
/// What every operation asks of the database, at 1, 10 and 100 related rows, beside what <c>docs/statements.md</c> says. The operations are those of the node's own
/// description, so nobody has to think of a new one; its request is made from <see cref="Samples"/>, and what is special about it is said in <see cref="PopulatedNode"/>.
/// </summary>
[Trait(TestRun.LongTrait, "yes")]
public partial class StatementCountsTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly int[] Sizes = [1, 10, 100];

    /// <summary>What clients do all the time: nothing is asked for them, or the one statement that moves a session's row.</summary>
    private static readonly Dictionary<string, int> Hot = new(StringComparer.Ordinal)
    {
        ["POST /api/v1/auth/refresh"] = 1,
        ["POST /api/v1/authz/check"] = 0,
        ["POST /api/v1/authz/check/batch"] = 1,   // and 0, where all of it is of one state
        ["GET /api/v1/authz/forward"] = 0,
        ["GET /api/v1/me/permissions"] = 0,
        ["GET /api/v1/users/profile"] = 0,
        ["GET /api/v1/users/{id}"] = 0,
    };

    /// <summary>Whose second request can only be prepared when the first has been answered.</summary>
    private const string OnceOnly = "POST /api/v1/bootstrap";

    // Not a test's usual limit: some 300 requests, each with rows of its own.
    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromMinutes(6)).Token;

    // Ask for each row by itself what one statement brings (tried: UserRoles.ListAsync runs list_roles once more for every role) and this names the operation,
    // with its counts at the three sizes. A new operation without a row in the page, a row without its operation, and a number that is no longer true are named as well.
    [Fact]
    public async Task What_an_operation_asks_does_not_grow_with_the_rows_and_is_what_the_page_says()
    {
        using var traced = new TracedStatements();
        var documented = Documented();
        var measured = new SortedDictionary<string, List<(Counts Cold, Counts Warm)>>(StringComparer.Ordinal);
        foreach (var size in Sizes)
        {
            await using var node = await PopulatedNode.StartAsync(servers, size, _ct);
            foreach (var operation in node.Api.Operations)
            {
                if (!measured.TryGetValue(operation.ToString(), out var counts)) measured[operation.ToString()] = counts = [];
                counts.Add(await LeastAsync(node, operation, traced, documented.GetValueOrDefault(operation.ToString())));
            }
        }

        var wrong = new List<string>();
        foreach (var (operation, counts) in measured)
        {
            var (cold, warm) = (counts.ConvertAll(c => c.Cold.Number), counts.ConvertAll(c => c.Warm.Number));
            if (!documented.Remove(operation, out var said)) wrong.Add($"{operation} has no row. ");
            else if (!said.Cold.Fits(cold) || !said.Warm.Fits(warm)) wrong.Add($"{operation} is said to be {said.Cold}, then {said.Warm}. ");
            else if (Hot.TryGetValue(operation, out var most) && warm.Max() > most) wrong.Add($"{operation} may take {most} at most. ");
            else continue;
            wrong[^1] += $"At 1, 10, 100 rows: {string.Join(", ", cold)}, then {string.Join(", ", warm)}. Last: {counts[^1].Cold}; then {counts[^1].Warm}\n| `{operation}` | {cold.Max()} | {warm.Max()} |";
        }

        wrong.AddRange(documented.Keys.Select(operation => $"{operation} is in the page and nowhere else."));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(measured.Count > 45, $"only {measured.Count} operations");
        Assert.All(Hot.Keys, operation => Assert.True(measured.ContainsKey(operation), operation));
    }

    /// <summary>What is asked on a machine that stands still for a moment may be asked twice (a lane sends what has waited too long once more, beside it): a number that does not fit
    /// is counted again. One that grows with the rows is the same each time.</summary>
    private async Task<(Counts Cold, Counts Warm)> LeastAsync(PopulatedNode node, Operation operation, TracedStatements traced, (Bound Cold, Bound Warm) said)
    {
        var (cold, warm) = await MeasureAsync(node, operation, traced);
        for (var i = 0; i < 2 && said.Cold is not null && !(said.Cold.Fits([cold.Number]) && said.Warm.Fits([warm.Number])); i++)
        {
            var (coldAgain, warmAgain) = await MeasureAsync(node, operation, traced);
            (cold, warm) = (coldAgain.Number < cold.Number ? coldAgain : cold, warmAgain.Number < warm.Number ? warmAgain : warm);
        }

        return (cold, warm);
    }

    /// <summary>
    /// Cold: a caller and an object that this node has not met since it lost everything it had in memory. Warm: the same once more, or, where that would not be the same
    /// (a thing is deleted once), by a caller and with an object that are known from a question.
    /// </summary>
    private async Task<(Counts Cold, Counts Warm)> MeasureAsync(PopulatedNode node, Operation operation, TracedStatements traced)
    {
        var first = await node.PrepareAsync(operation);
        var again = IsQuestion(operation) ? first : operation.ToString() == OnceOnly ? null : await node.PrepareAsync(operation);
        await node.ForgetAsync();
        var cold = await CountAsync(node, operation, first, traced);
        again ??= await node.PrepareAsync(operation);
        if (IsQuestion(operation)) await SendAsync(node, operation, again.ToMessage());
        else if (again.Owner is { } owner) Assert.Equal(System.Net.HttpStatusCode.OK, await node.Node.Http.UseAsync(owner.Tokens.AccessToken, _ct));
        // This one goes through what is in memory: that has to be as many.
        if (operation.Path == "/admin/cache/verify") await node.LearnRightsAsync(again.Caller!);
        return (cold, await CountAsync(node, operation, again, traced));
    }

    private async Task<Counts> CountAsync(PopulatedNode node, Operation operation, Request request, TracedStatements traced)
    {
        var trace = traced.Begin();
        var counts = await Statements.CountAsync(node.Node.Database, () => SendAsync(node, operation, request.ToMessage(trace.Header)), _ct);
        // What goes through the audit trail's buffer is written later, for many requests together. What a change writes in its own transaction is the request's.
        if (traced.Of(trace, "Audit/AuditTrail.insert_events") is > 0 and var events) counts["Audit/AuditTrail.insert_events"] = events;
        return new Counts(counts);
    }

    private async Task SendAsync(PopulatedNode node, Operation operation, HttpRequestMessage message)
    {
        using (message)
        using (var answer = await node.Node.Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, _ct))
        {
            // A stream of events has no end: its beginning is there, and with it what it takes to begin.
            var body = answer.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await answer.Content.ReadAsStringAsync(_ct);
            Assert.True(answer.IsSuccessStatusCode, $"{operation}: {(int)answer.StatusCode} {body}");
        }

        // A listener would ask for its rights once more while the next request is counted.
        await Eventually.TrueAsync(() => node.Node.Services.GetRequiredService<ChangeFeed>().Listeners == 0 && node.Node.Services.GetRequiredService<WatchNode>().Watchers == 0, TimeSpan.FromSeconds(20));
    }

    private static bool IsQuestion(Operation operation) =>
        operation.Method == HttpMethod.Get || operation.Path.StartsWith("/api/v1/authz/", StringComparison.Ordinal) || operation.Path.StartsWith("/admin/cache/", StringComparison.Ordinal);

    private static Dictionary<string, (Bound Cold, Bound Warm)> Documented()
    {
        var page = File.ReadAllText(Path.Combine(RepositoryFolder(), "docs", "statements.md"));
        return Row().Matches(page).ToDictionary(m => m.Groups["operation"].Value, m => (Bound.Of(m.Groups["cold"].Value), Bound.Of(m.Groups["warm"].Value)), StringComparer.Ordinal);
    }

    private static string RepositoryFolder()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"^\| `(?<operation>[A-Z]+ /[^`]*)` \| (?<cold>[^|]+) \| (?<warm>[^|]+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    /// <summary>What the page says: a number that is reached, or with "up to" one that is not passed.</summary>
    private sealed record Bound(int Most, bool IsReached)
    {
        public static Bound Of(string text) => new(int.Parse(text.Split(' ')[^1], CultureInfo.InvariantCulture), !text.StartsWith("up to", StringComparison.Ordinal));

        /// <summary>The same at every size, since it is one number for all of them.</summary>
        public bool Fits(List<int> counts) => IsReached ? counts.TrueForAll(c => c == Most) : counts.TrueForAll(c => c <= Most);

        public override string ToString() => (IsReached ? "" : "up to ") + Most.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Statements of one request, without what begins and ends a transaction.</summary>
    private sealed class Counts(SortedDictionary<string, long> counts)
    {
        private readonly Dictionary<string, long> _statements = counts.Where(c => !c.Key.StartsWith("BEGIN", StringComparison.Ordinal) && c.Key is not ("COMMIT" or "ROLLBACK")).ToDictionary(StringComparer.Ordinal);

        public int Number => (int)_statements.Values.Sum();

        public override string ToString() => string.Join(" + ", _statements.Select(c => c.Value == 1 ? c.Key : $"{c.Value} {c.Key}"));
    }
}
