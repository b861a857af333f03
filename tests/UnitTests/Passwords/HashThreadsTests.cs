using System.Globalization;
using AuthService;
using AuthService.Passwords;

namespace UnitTests.Passwords;

public class HashThreadsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ManualClock _clock = new();

    // Ignore the number of threads (say, run the work on the pool) and this fails: all eight are inside at once.
    [Fact]
    public async Task No_more_run_at_once_than_there_are_threads()
    {
        using var threads = new HashThreads(2, queueLength: 8, TimeSpan.FromSeconds(2), _clock);
        using var bothInside = new CountdownEvent(2);
        using var gate = new ManualResetEventSlim();
        var (inside, mostInside) = (0, 0);

        var jobs = Enumerable.Range(0, 8).Select(_ => threads.RunAsync(() =>
        {
            var now = Interlocked.Increment(ref inside);
            InterlockedMax(ref mostInside, now);
            if (!bothInside.IsSet) bothInside.Signal();
            gate.Wait(Limit);
            Interlocked.Decrement(ref inside);
            return now;
        }, CancellationToken.None).AsTask()).ToArray();

        Assert.True(bothInside.Wait(Limit));
        Assert.Equal(6, threads.Waiting);
        gate.Set();
        await Task.WhenAll(jobs).WaitAsync(Limit);
        Assert.Equal(2, mostInside);
        Assert.Equal(0, threads.Waiting);
    }

    // Raise the limit in TryEnqueue by one and this fails.
    [Fact]
    public async Task What_finds_the_queue_full_is_refused_at_once()
    {
        using var threads = new HashThreads(1, queueLength: 2, TimeSpan.FromSeconds(2), _clock);
        using var gate = new ManualResetEventSlim();
        var running = await StartAsync(threads, gate);
        var waiting = Enumerable.Range(0, 2).Select(_ => threads.RunAsync(() => 1, CancellationToken.None).AsTask()).ToArray();

        var surplus = threads.RunAsync(() => 1, CancellationToken.None);

        Assert.True(surplus.IsCompleted);
        AssertBusy(await surplus);
        Assert.Equal(1, threads.Refused);
        gate.Set();
        foreach (var job in waiting.Append(running)) Assert.False((await job.WaitAsync(Limit)).Failed(out _, out _));
    }

    // Take the timer away and this never ends: the thread is still busy when the deadline passes.
    [Fact]
    public async Task What_gets_no_turn_in_time_is_refused_and_never_runs()
    {
        using var threads = new HashThreads(1, queueLength: 1, TimeSpan.FromSeconds(2), _clock);
        using var gate = new ManualResetEventSlim();
        var running = await StartAsync(threads, gate);
        var ran = false;
        var late = threads.RunAsync(() => ran = true, CancellationToken.None).AsTask();

        _clock.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(late.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(0.1));
        AssertBusy(await late.WaitAsync(Limit));
        Assert.Equal(0, threads.Waiting);

        // Its place is free again, and what runs is not touched by the deadline.
        var next = threads.RunAsync(() => 7, CancellationToken.None).AsTask();
        gate.Set();
        Assert.False((await running.WaitAsync(Limit)).Failed(out _, out _));
        Assert.False((await next.WaitAsync(Limit)).Failed(out _, out var seven));
        Assert.Equal(7, seven);
        Assert.False(ran);
    }

    [Fact]
    public async Task What_its_caller_cancels_while_it_waits_never_runs_and_frees_its_place()
    {
        using var threads = new HashThreads(1, queueLength: 1, TimeSpan.FromSeconds(2), _clock);
        using var gate = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        var running = await StartAsync(threads, gate);
        var ran = false;
        var cancelled = threads.RunAsync(() => ran = true, cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Limit));
        var next = threads.RunAsync(() => 7, CancellationToken.None).AsTask();
        gate.Set();
        Assert.False((await next.WaitAsync(Limit)).Failed(out _, out _));
        Assert.False((await running.WaitAsync(Limit)).Failed(out _, out _));
        Assert.False(ran);
    }

    [Fact]
    public async Task A_failure_reaches_its_caller_and_the_thread_goes_on()
    {
        using var threads = new HashThreads(1, queueLength: 0, TimeSpan.FromSeconds(2), _clock);
        var failing = threads.RunAsync<int>(() => throw new InvalidOperationException("boom"), CancellationToken.None).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing.WaitAsync(Limit));

        var next = threads.RunAsync(() => 7, CancellationToken.None).AsTask();
        Assert.False((await next.WaitAsync(Limit)).Failed(out _, out var seven));
        Assert.Equal(7, seven);
    }

    [Fact]
    public async Task Closing_refuses_what_waits_and_lets_what_runs_finish()
    {
        var threads = new HashThreads(1, queueLength: 1, TimeSpan.FromSeconds(2), _clock);
        using var gate = new ManualResetEventSlim();
        var running = await StartAsync(threads, gate);
        var waiting = threads.RunAsync(() => 1, CancellationToken.None).AsTask();

        var closing = Task.Run(threads.Dispose);
        AssertBusy(await waiting.WaitAsync(Limit));
        gate.Set();
        await closing.WaitAsync(Limit);

        Assert.False((await running.WaitAsync(Limit)).Failed(out _, out _));
        AssertBusy(await threads.RunAsync(() => 1, CancellationToken.None));
    }

    // Take LowerPriority() away and this fails; also complete the caller's task on the hashing thread: the pool then starts
    // its threads from there, and they inherit the niceness.
    [Fact]
    public async Task The_threads_are_not_the_pools_and_yield_to_it()
    {
        using var threads = new HashThreads(1, queueLength: 0, TimeSpan.FromSeconds(2), _clock);
        var outcome = await threads.RunAsync(() => (Thread.CurrentThread.IsThreadPoolThread, Niceness()), CancellationToken.None).AsTask().WaitAsync(Limit);
        Assert.False(outcome.Failed(out _, out var seen));
        Assert.False(seen.IsThreadPoolThread);
        if (OperatingSystem.IsLinux()) Assert.Equal(5, seen.Item2 - Niceness());
    }

    // proc(5): the 19th field, counted after the name, which may contain spaces.
    private static int Niceness()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        var stat = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
    }

    private static async Task<Task<Outcome<int>>> StartAsync(HashThreads threads, ManualResetEventSlim gate)
    {
        var inside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var job = threads.RunAsync(() =>
        {
            inside.SetResult();
            return gate.Wait(Limit) ? 1 : 0;
        }, CancellationToken.None).AsTask();
        await inside.Task.WaitAsync(Limit);
        return job;
    }

    private static void AssertBusy<T>(Outcome<T> outcome) where T : notnull
    {
        Assert.True(outcome.Failed(out var problem, out _));
        Assert.Equal("passwords.busy", problem.Code);
        Assert.Equal(503, problem.Status);
        Assert.True(problem.RetryAfterSeconds > 0);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
        {
            if (Interlocked.CompareExchange(ref target, value, seen) == seen) return;
        }
    }
}
