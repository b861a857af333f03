using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using AuthService.Client;
using IntegrationTests.SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>
/// Those who ask the process at one place, whatever it is going through: for what has just been changed, for what was changed lately, and for any
/// other. Every answer goes to the judge.
/// </summary>
internal sealed class Questions(FreshnessRun run, int place)
{
    private const int BatchSize = 50;
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMilliseconds(20);

    private readonly RightSwitch[] _rights = [.. run.People.All];

    // What was just changed. Who falls behind, since the process stands still, has the oldest forgotten.
    private readonly Channel<Switch> _prompts = Channel.CreateBounded<Switch>(new BoundedChannelOptions(64) { FullMode = BoundedChannelFullMode.DropOldest });

    public IEnumerable<Task> Begin() =>
    [
        Task.Run(AskPromptedAsync),
        Task.Run(() => AskManyAsync(run.NewChance())),
        Task.Run(() => UseSessionsAsync(run.NewChance())),
    ];

    /// <summary>Ask for these at once.</summary>
    public void Prompt(IEnumerable<Switch> switches)
    {
        foreach (var changed in switches) _prompts.Writer.TryWrite(changed);
    }

    /// <summary>One question about a right, by an account that may ask about others.</summary>
    public static async Task AskAsync(FreshnessRun run, Member member, RightSwitch right, long holder)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new CheckRequest { UserId = holder, Permission = right.Permission }, WireJson.Default.CheckRequest);
        var start = Stopwatch.GetTimestamp();
        var reply = await member.SendAsync(HttpMethod.Post, "/api/v1/authz/check", run.Reader, body);
        var end = Stopwatch.GetTimestamp();
        if (!run.IsCertain(reply, "check", 200)) return;
        run.Judge.Add(new Ask(right, member.Number, start, end, JsonSerializer.Deserialize(reply.Body, WireJson.Default.CheckResponse)!.Allowed));
    }

    /// <summary>One question with a session's own token. It says of the session whether it lives, and then of its account whether it may.</summary>
    public static async Task AskAsync(FreshnessRun run, Member member, SessionSwitch session)
    {
        var right = session.Owner.Right;
        var start = Stopwatch.GetTimestamp();
        var reply = await member.SendAsync(HttpMethod.Get, $"/api/v1/authz/forward?permission={right.Permission}", session.AccessToken);
        var end = Stopwatch.GetTimestamp();
        if (!run.IsCertain(reply, "forward", 200, 401, 403)) return;
        run.Judge.Add(new Ask(session, member.Number, start, end, reply.Status != 401));
        if (reply.Status != 401) run.Judge.Add(new Ask(right, member.Number, start, end, reply.Status == 200));
    }

    /// <summary>Many questions from one state.</summary>
    private async Task<bool> AskAsync(Member member, (RightSwitch Right, long Holder)[] questions)
    {
        var checks = new CheckRequest[questions.Length];
        for (var i = 0; i < checks.Length; i++) checks[i] = new CheckRequest { UserId = questions[i].Holder, Permission = questions[i].Right.Permission };
        var body = JsonSerializer.SerializeToUtf8Bytes(new BatchCheckRequest { Checks = checks }, WireJson.Default.BatchCheckRequest);
        var start = Stopwatch.GetTimestamp();
        var reply = await member.SendAsync(HttpMethod.Post, "/api/v1/authz/check/batch", run.Reader, body);
        var end = Stopwatch.GetTimestamp();
        if (!run.IsCertain(reply, "batch", 200)) return false;
        var results = JsonSerializer.Deserialize(reply.Body, WireJson.Default.BatchCheckResponse)!.Results;
        for (var i = 0; i < results.Count; i++) run.Judge.Add(new Ask(questions[i].Right, member.Number, start, end, results[i]));
        return true;
    }

    private async Task AskPromptedAsync()
    {
        while (!run.Stopping.IsCancellationRequested)
        {
            try
            {
                var changed = await _prompts.Reader.ReadAsync(run.Stopping);
                if (changed is SessionSwitch session) await AskAsync(run, run.Fleet.At(place), session);
                else if (changed is RightSwitch { Holders.Count: 1 } right) await AskAsync(run, run.Fleet.At(place), right, right.Holders[0]);
                else if (changed is RightSwitch all) await AskAsync(run.Fleet.At(place), [.. all.Holders.Select(holder => (all, holder))]);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task AskManyAsync(Chance chance)
    {
        var questions = new (RightSwitch, long)[BatchSize];
        while (!run.Stopping.IsCancellationRequested)
        {
            for (var i = 0; i < questions.Length; i++)
            {
                var right = (i % 4 == 0 ? null : run.Rights.Pick(chance)) ?? _rights[chance.Next(_rights.Length)];
                questions[i] = (right, right.Holders[chance.Next(right.Holders.Count)]);
            }

            await PauseAsync(await AskAsync(run.Fleet.At(place), questions) ? run.Setup.Pace : AfterFailure);
        }
    }

    private async Task UseSessionsAsync(Chance chance)
    {
        while (!run.Stopping.IsCancellationRequested)
        {
            if (run.Sessions.Pick(chance) is { } session) await AskAsync(run, run.Fleet.At(place), session);
            await PauseAsync(run.Fleet.At(place).IsAway ? AfterFailure : run.Setup.Pace / 2);
        }
    }

    private static Task PauseAsync(TimeSpan pause) => Task.Delay(pause, TimeProvider.System, CancellationToken.None);
}
