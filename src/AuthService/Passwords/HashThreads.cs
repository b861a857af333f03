using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace AuthService.Passwords;

/// <summary>
/// Runs hashes on threads of its own, so many at once and no more, behind a short queue with a deadline. The threads are not
/// the pool's, and the system schedules them after it: a flood of sign-ins slows sign-ins, not the other endpoints.
/// </summary>
internal sealed partial class HashThreads : IDisposable
{
    // Added to what the process has. A third of the share of the other threads, when both want the same core.
    private const int Niceness = 5;

    private readonly Lock _gate = new();
    private readonly LinkedList<Job> _waiting = [];
    private readonly ConcurrentQueue<Job> _finished = [];
    private readonly SemaphoreSlim _work = new(0);
    private readonly SemaphoreSlim _results = new(0);
    private readonly Thread[] _threads;
    private readonly Thread _messenger;
    private readonly int _queueLength;
    private readonly TimeSpan _queueTimeout;
    private readonly TimeProvider _clock;
    private int _idle;
    private bool _closed;
    private long _refused;

    /// <param name="threads">1 or more.</param>
    /// <param name="queueLength">Jobs that may wait while all threads are taken.</param>
    public HashThreads(int threads, int queueLength, TimeSpan queueTimeout, TimeProvider clock)
    {
        (_queueLength, _queueTimeout, _clock, _idle) = (queueLength, queueTimeout, clock, threads);
        _threads = new Thread[threads];
        for (var i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(RunJobs) { IsBackground = true, Name = $"password hashing {i + 1}" };
            _threads[i].Start();
        }
        _messenger = new Thread(DeliverResults) { IsBackground = true, Name = "password hashing results" };
        _messenger.Start();
    }

    /// <summary>Jobs that have no thread yet.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate) return Math.Max(0, _waiting.Count - _idle);
        }
    }

    /// <summary>Jobs turned away since start: no room, no turn in time, or closed.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Runs the work on one of the threads.</summary>
    /// <param name="work">Must end by itself: once begun it is neither cancelled nor timed out.</param>
    /// <param name="ct">Takes work that has not begun out of the queue; a caller whose work runs stops waiting for it.</param>
    /// <returns>What the work returned, or <see cref="PasswordsProblems.Busy"/>.</returns>
    public async ValueTask<Outcome<T>> RunAsync<T>(Func<T> work, CancellationToken ct) where T : notnull
    {
        ct.ThrowIfCancellationRequested();
        var job = new Job<T>(this, work);
        if (!TryEnqueue(job))
        {
            Interlocked.Increment(ref _refused);
            return PasswordsProblems.Busy;
        }
        await using var deadline = _clock.CreateTimer(static job => ((Job)job!).Expire(), job, _queueTimeout, Timeout.InfiniteTimeSpan);
        await using var cancellation = ct.UnsafeRegister(static (job, token) => ((Job)job!).Cancel(token), job);
        return await job.Outcome;
    }

    /// <summary>Refuses what waits and returns when the hashes that run are done: a few dozen milliseconds.</summary>
    public void Dispose()
    {
        Job[] left;
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            left = [.. _waiting];
            _waiting.Clear();
        }
        foreach (var job in left) job.Refuse();
        _work.Release(_threads.Length);
        foreach (var thread in _threads) thread.Join();
        _results.Release();
        _messenger.Join();
        _work.Dispose();
        _results.Dispose();
    }

    private bool TryEnqueue(Job job)
    {
        lock (_gate)
        {
            if (_closed || _waiting.Count >= _queueLength + _idle) return false;
            _waiting.AddLast(job.Place);
            _work.Release();
            return true;
        }
    }

    private void RunJobs()
    {
        LowerPriority();
        while (true)
        {
            _work.Wait();
            Job? job;
            lock (_gate)
            {
                if (_closed) return;
                // Nothing left of a permit whose job expired or was cancelled.
                if (_waiting.First is not { } first) continue;
                _waiting.RemoveFirst();
                _idle--;
                job = first.Value;
            }
            job.Run();
            lock (_gate) _idle++;
            _finished.Enqueue(job);
            _results.Release();
        }
    }

    // A thread inherits the niceness of the one that starts it, and completing a task makes the pool start threads. So results
    // are handed to callers from a thread that was left alone; from a hashing thread they would slow the pool down for good.
    private void DeliverResults()
    {
        while (true)
        {
            _results.Wait();
            if (!_finished.TryDequeue(out var job)) return;
            job.Complete();
        }
    }

    private bool TryRemove(Job job)
    {
        lock (_gate)
        {
            if (job.Place.List is null) return false;
            _waiting.Remove(job.Place);
            return true;
        }
    }

    // .NET ignores Thread.Priority on Linux. There nice() applies to the calling thread alone, and being nicer needs no privilege.
    private static void LowerPriority()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            _ = Nice(Niceness);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Hashing works all the same, only less politely.
        }
    }

    [LibraryImport("libc", EntryPoint = "nice")]
    private static partial int Nice(int increment);

    private abstract class Job
    {
        protected Job() => Place = new LinkedListNode<Job>(this);

        public LinkedListNode<Job> Place { get; }
        public abstract void Run();
        public abstract void Complete();
        public abstract void Refuse();
        public abstract void Expire();
        public abstract void Cancel(CancellationToken ct);
    }

    private sealed class Job<T>(HashThreads owner, Func<T> work) : Job where T : notnull
    {
        // Continuations on the pool: a caller's code must not hold up the results of others.
        private readonly TaskCompletionSource<Outcome<T>> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _failure;

        public Task<Outcome<T>> Outcome => _outcome.Task;

        public override void Run()
        {
            try
            {
                _result = work();
            }
            catch (Exception e)
            {
                _failure = e;
            }
        }

        public override void Complete()
        {
            if (_failure is not null) _outcome.TrySetException(_failure);
            else _outcome.TrySetResult(_result!);
        }

        public override void Refuse()
        {
            Interlocked.Increment(ref owner._refused);
            _outcome.TrySetResult(PasswordsProblems.Busy);
        }

        public override void Expire()
        {
            if (owner.TryRemove(this)) Refuse();
        }

        public override void Cancel(CancellationToken ct)
        {
            owner.TryRemove(this);
            _outcome.TrySetCanceled(ct);
        }
    }
}
