namespace AuthService.LoadTest;

/// <summary>Sends one request and says what became of it: a status such as <c>200</c>, or a word.</summary>
internal delegate Task<string> SendRequest(RequestKind kind, CancellationToken ct);

/// <summary>
/// Sends requests when they are due, whatever became of those before. Nobody's clients wait for each other: a service that stands still for a second at
/// 100/s has kept a hundred of them waiting, and a generator that sends the next when the last is answered would count one. So a latency is counted from
/// when its request was due, also where all connections were busy by then and it could be sent only later.
/// </summary>
internal sealed class OpenLoop(TimeProvider clock)
{
    // Timers are no finer. What is sent ahead of its time by less than this counts from when it was sent.
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(1);

    /// <returns>When every request is answered, has failed, or was given up.</returns>
    public async Task<LoadReport> RunAsync(LoadPlan plan, SendRequest send, CancellationToken ct)
    {
        var run = new Run(plan, send, clock);
        var processor = Environment.CpuUsage.TotalTime;
        // Not one after the other: on a thread of the pool each, for the first step of sending may be long.
        await Task.WhenAll(Enumerable.Range(0, plan.Connections).Select(_ => Task.Run(() => run.WorkAsync(ct), ct)));
        return run.Report(Environment.CpuUsage.TotalTime - processor);
    }

    private sealed class Run(LoadPlan plan, SendRequest send, TimeProvider clock)
    {
        private readonly LoadTally _tally = new();
        private readonly long _began = clock.GetTimestamp();
        private long _next = -1;

        public async Task WorkAsync(CancellationToken ct)
        {
            var giveUp = plan.Duration + plan.Timeout;
            while (Interlocked.Increment(ref _next) is var request && request < plan.Requests)
            {
                var kind = plan.Mix.KindOf(request);
                var due = TimeSpan.FromSeconds(request / plan.Rate);
                var foundAllBusy = Now() > due;
                if (!foundAllBusy) await WaitAsync(due, ct);
                var sent = Now();
                if (sent > giveUp)
                {
                    _tally.GaveUp(kind);
                    continue;
                }

                var outcome = await send(kind, ct);
                _tally.Add(kind, outcome, new RequestTimes(due < sent ? due : sent, sent, Now(), foundAllBusy));
            }
        }

        public LoadReport Report(TimeSpan processor) => _tally.Report(plan, Now(), processor);

        private TimeSpan Now() => clock.GetElapsedTime(_began);

        private async Task WaitAsync(TimeSpan due, CancellationToken ct)
        {
            while (due - Now() is var left && left >= Early) await Task.Delay(left, clock, ct);
        }
    }
}

/// <summary>When a request was due, sent and answered, since the beginning of its load.</summary>
/// <param name="FoundAllBusy">It could not be sent when it was due, because every connection had a request under way.</param>
internal readonly record struct RequestTimes(TimeSpan Due, TimeSpan Sent, TimeSpan Ended, bool FoundAllBusy);
