using System.Diagnostics;

namespace AuthService;

/// <summary>
/// What the request at hand has waited for. Whoever waits finds it through the execution context, so nothing in between has to pass it on; where there is no
/// request, nothing is measured. The parts overlap: a cache that has to load waits for the database.
/// </summary>
/// <remarks>Work that several requests wait for counts for the one that began it, and theirs as a wait for the cache.</remarks>
internal abstract class TimeSpent
{
    internal enum Part { Database, Cache, Hash }

    private static readonly AsyncLocal<TimeSpent?> Local = new();

    // Ticks of Stopwatch. A request may wait for several things at once.
    private long _database;
    private long _cache;
    private long _hash;

    /// <summary>PostgreSQL: a connection of the pool, and the beginning of each answer.</summary>
    public TimeSpan Database => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _database));

    /// <summary>What was not in memory, from wherever it came.</summary>
    public TimeSpan Cache => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _cache));

    /// <summary>Password hashes, the wait for a thread included.</summary>
    public TimeSpan Hash => Stopwatch.GetElapsedTime(0, Interlocked.Read(ref _hash));

    /// <summary>That of this request.</summary>
    protected static TimeSpent? Current { get => Local.Value; set => Local.Value = value; }

    /// <summary>Begins a wait, which ends when the result is disposed.</summary>
    public static Wait InDatabase() => new(Local.Value, Part.Database);

    /// <inheritdoc cref="InDatabase"/>
    public static Wait InCache() => new(Local.Value, Part.Cache);

    /// <inheritdoc cref="InDatabase"/>
    public static Wait InHash() => new(Local.Value, Part.Hash);

    /// <summary>The same, of which memory may know the answer: then there is no wait.</summary>
    public static ValueTask<T> InCache<T>(ValueTask<T> answer) => answer.IsCompleted ? answer : FinishAsync(answer, InCache());

    private static async ValueTask<T> FinishAsync<T>(ValueTask<T> answer, Wait wait)
    {
        using (wait) return await answer;
    }

    private void Add(Part part, long ticks)
    {
        ref var sum = ref part == Part.Database ? ref _database : ref part == Part.Cache ? ref _cache : ref _hash;
        Interlocked.Add(ref sum, ticks);
    }

    /// <summary>A wait under way. Dispose it once.</summary>
    internal readonly struct Wait : IDisposable
    {
        private readonly TimeSpent? _request;
        private readonly Part _part;
        private readonly long _startedAt;

        internal Wait(TimeSpent? request, Part part)
        {
            (_request, _part) = (request, part);
            if (request is not null) _startedAt = Stopwatch.GetTimestamp();
        }

        public void Dispose() => _request?.Add(_part, Stopwatch.GetTimestamp() - _startedAt);
    }
}
