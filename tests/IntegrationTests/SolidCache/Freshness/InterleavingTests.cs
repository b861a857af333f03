using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>
/// Two nodes, one value, one change: every order in which the steps of loads, the change's commit, the nodes' polls and other questions
/// can happen. A question asked after both nodes have polled since the commit (which is when the barrier opens) gets the new value.
/// </summary>
public class InterleavingTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token;

    private enum Step
    {
        BeginOnA,
        EndOnA,
        BeginOnB,
        EndOnB,
        Commit,
        PollA,
        PollB,
        AskA,
        AskB,
    }

    [Theory]
    [InlineData("both:")]
    [InlineData("local:")]
    public async Task In_every_order_of_a_load_a_change_polls_and_questions_nothing_is_stale(string prefix) =>
        Assert.Equal(0, await RunAllAsync(prefix, Mechanisms.None, [Step.BeginOnA, Step.EndOnA], [Step.Commit], [Step.PollA], [Step.PollB], [Step.AskA], [Step.AskB]));

    [Theory]
    [InlineData("both:")]
    [InlineData("local:")]
    public async Task In_every_order_of_two_loads_a_change_and_polls_nothing_is_stale(string prefix) =>
        Assert.Equal(0, await RunAllAsync(prefix, Mechanisms.None, [Step.BeginOnA, Step.EndOnA], [Step.BeginOnB, Step.EndOnB], [Step.Commit], [Step.PollA], [Step.PollB]));

    // The control: of these orders some are stale where stamps are not compared.
    [Fact]
    public async Task Without_stamps_some_orders_are_stale() =>
        Assert.InRange(await RunAllAsync("both:", Mechanisms.Stamp, [Step.BeginOnA, Step.EndOnA], [Step.Commit], [Step.PollA], [Step.PollB]), 1, int.MaxValue);

    private async Task<int> RunAllAsync(string prefix, Mechanisms disabled, params Step[][] chains)
    {
        await using var database = await servers.CreateEmptyDatabaseAsync(_ct);
        await using var a = await StartAsync(database, disabled);
        await using var b = await StartAsync(database, disabled);
        var (orders, stale) = (0, new List<string>());
        foreach (var order in Merges(chains))
        {
            var course = new Course(database, a, b, $"{prefix}{orders++}", _ct);
            if (!await course.RunAsync(order)) stale.Add(string.Join(' ', order));
        }

        output.WriteLine($"{prefix} {orders} orders, {stale.Count} stale{(stale.Count > 0 ? ", such as " + stale[0] : "")}");
        return stale.Count;
    }

    private Task<ManualNode> StartAsync(TestDatabase database, Mechanisms disabled) => ManualNode.StartAsync(database.ConnectionString, _ct, o =>
    {
        o.Freshness.Disabled = disabled;
        o.AddGroup("local", "local:", g => g.InPostgres = false);
    });

    /// <summary>All ways to merge sequences, each of which stays in its order.</summary>
    private static IEnumerable<Step[]> Merges(Step[][] chains)
    {
        var done = new int[chains.Length];
        var order = new List<Step>();
        return Extend();

        IEnumerable<Step[]> Extend()
        {
            if (order.Count == chains.Sum(c => c.Length)) yield return [.. order];
            for (var i = 0; i < chains.Length; i++)
            {
                if (done[i] == chains[i].Length) continue;
                order.Add(chains[i][done[i]++]);
                foreach (var rest in Extend()) yield return rest;
                done[i]--;
                order.RemoveAt(order.Count - 1);
            }
        }
    }

    private sealed class Course(TestDatabase database, ManualNode a, ManualNode b, string key, CancellationToken ct)
    {
        private readonly Dictionary<ManualNode, HeldLoad> _held = [];
        private readonly List<(bool MustBeNew, Task<string> Answer)> _questions = [];
        private string _source = "old";
        private bool _polledA;
        private bool _polledB;

        private bool IsAnswered => _polledA && _polledB;

        /// <returns>False: somebody was told the old value who may not be.</returns>
        public async Task<bool> RunAsync(Step[] order)
        {
            foreach (var step in order) await DoAsync(step);
            await a.PollAsync(ct);
            await b.PollAsync(ct);
            (_polledA, _polledB) = (true, true);
            await AskAsync(a);
            await AskAsync(b);
            foreach (var (mustBeNew, answer) in _questions) if (await answer != "new" && mustBeNew) return false;
            return true;
        }

        private Task DoAsync(Step step) => step switch
        {
            Step.BeginOnA => BeginAsync(a),
            Step.EndOnA => EndAsync(a),
            Step.BeginOnB => BeginAsync(b),
            Step.EndOnB => EndAsync(b),
            Step.Commit => CommitAsync(),
            Step.PollA => PollAsync(a),
            Step.PollB => PollAsync(b),
            Step.AskA => AskAsync(a),
            _ => AskAsync(b),
        };

        private async Task PollAsync(ManualNode node)
        {
            await node.PollAsync(ct);
            if (_source == "old") return;
            if (node == a) _polledA = true;
            else _polledB = true;
        }

        private async Task BeginAsync(ManualNode node)
        {
            var hasRead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var answer = node.Cache.GetOrCreateAsync(key, async _ =>
            {
                var read = _source;
                hasRead.TrySetResult();
                await goOn.Task;
                return read;
            }, cancellationToken: ct).AsTask();
            _questions.Add((IsAnswered, answer));
            await Task.WhenAny(answer, hasRead.Task);   // a hit loads nothing
            if (!answer.IsCompleted) _held[node] = new HeldLoad(goOn, answer);
        }

        private async Task EndAsync(ManualNode node)
        {
            if (!_held.Remove(node, out var load)) return;
            load.GoOn.SetResult();
            await load.Answer;
            foreach (var waiting in load.Joined) await waiting;
        }

        private async Task CommitAsync()
        {
            await using var bump = database.DataSource.CreateCommand("SELECT solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag($1)])");
            bump.Parameters.Add(new Npgsql.NpgsqlParameter<string> { TypedValue = key });
            await bump.ExecuteNonQueryAsync(ct);
            _source = "new";
        }

        private async Task AskAsync(ManualNode node)
        {
            var answer = node.Cache.GetOrCreateAsync(key, _ => ValueTask.FromResult(_source), cancellationToken: ct).AsTask();
            _questions.Add((IsAnswered, answer));
            // Where a load is held it waits for that one.
            if (_held.TryGetValue(node, out var load)) load.Joined.Add(answer);
            else await answer;
        }

        private sealed record HeldLoad(TaskCompletionSource GoOn, Task<string> Answer)
        {
            public List<Task<string>> Joined { get; } = [];
        }
    }
}
