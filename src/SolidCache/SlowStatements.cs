using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Npgsql;

namespace SolidCache;

/// <summary>A statement that took long. Holds no value it was run with.</summary>
/// <param name="Name">From the comment after its first word: <c>SELECT /* Users/ListUsers.list_users */ …</c>; of a batch all of them. <c>unnamed</c> without one.</param>
/// <param name="Duration">From sending it to what the caller takes for its end; also of one that failed.</param>
/// <param name="Parameters">Types in order, of text and arrays with their lengths: <c>text(17), bigint[](3)</c>. Empty without parameters.</param>
public sealed record SlowStatement(string Name, TimeSpan Duration, string Parameters);

/// <summary>
/// Tells of statements that take long: those of every cache in this process, and those that others time with <see cref="Time(NpgsqlCommand)"/>. Process-wide, as meters
/// are. Safe for any number of threads.
/// </summary>
public static class SlowStatements
{
    private static readonly Lock Gate = new();
    private static Watcher[] _watchers = [];

    /// <summary>The shortest of all watchers' limits, in ticks of <see cref="Stopwatch"/>: one read tells that nothing is to be done.</summary>
    private static long _limit = long.MaxValue;

    /// <summary>Calls <paramref name="seen"/> for each statement that takes at least so long, on the thread that ran it.</summary>
    /// <param name="atLeast">More than 0.</param>
    /// <param name="seen">Must neither wait nor throw.</param>
    /// <returns>Dispose it to be told no more.</returns>
    public static IDisposable Watch(TimeSpan atLeast, Action<SlowStatement> seen)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(atLeast, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(seen);
        var watcher = new Watcher(atLeast, seen);
        Set(watchers => [.. watchers, watcher]);
        return watcher;
    }

    /// <summary>Takes the time until the result is disposed. Two readings of a clock and no allocation unless it was long.</summary>
    /// <param name="command">What is run meanwhile; looked at when it was long, so don't dispose it before.</param>
    public static StatementTiming Time(NpgsqlCommand command) => new(command, Begin());

    /// <inheritdoc cref="Time(NpgsqlCommand)"/>
    /// <param name="batch">What is run meanwhile; likewise.</param>
    public static StatementTiming Time(NpgsqlBatch batch) => new(batch, Begin());

    internal static void End(object? run, long startedAt)
    {
        if (startedAt == 0 || Stopwatch.GetTimestamp() - startedAt < Volatile.Read(ref _limit)) return;
        Tell(run, Stopwatch.GetElapsedTime(startedAt));
    }

    private static long Begin() => Volatile.Read(ref _limit) == long.MaxValue ? 0 : Stopwatch.GetTimestamp();

    private static void Tell(object? run, TimeSpan duration)
    {
        var (names, parameters) = (new StringBuilder(), new StringBuilder());
        if (run is NpgsqlCommand command) Describe(command.CommandText, command.Parameters, names, parameters);
        else if (run is NpgsqlBatch batch) foreach (var part in batch.BatchCommands) Describe(part.CommandText, part.Parameters, names, parameters);
        var slow = new SlowStatement(names.ToString(), duration, parameters.ToString());
        foreach (var watcher in Volatile.Read(ref _watchers))
        {
            if (duration >= watcher.AtLeast) watcher.Seen(slow);
        }
    }

    private static void Describe(string text, DbParameterCollection given, StringBuilder names, StringBuilder parameters)
    {
        var start = text.IndexOf("/* ", StringComparison.Ordinal);
        var end = start < 0 ? -1 : text.IndexOf(" */", start, StringComparison.Ordinal);
        if (names.Length > 0) names.Append(" + ");
        names.Append(end < 0 ? "unnamed" : text.AsSpan(start + 3, end - start - 3));
        foreach (DbParameter parameter in given)
        {
            if (parameters.Length > 0) parameters.Append(", ");
            parameters.Append(Shape(parameter.Value));
        }
    }

    private static string Shape(object? value) => value switch
    {
        null or DBNull => "null",
        string text => Text($"text({text.Length})"),
        byte[] bytes => Text($"bytea({bytes.Length})"),
        Array array => Text($"{Type(array.GetType().GetElementType()!)}[]({array.Length})"),
        _ => Type(value.GetType()),
    };

    private static string Type(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? "text" : type == typeof(byte[]) ? "bytea" : type == typeof(long) ? "bigint" : type == typeof(int) ? "integer" : type == typeof(bool) ? "boolean"
            : type == typeof(Guid) ? "uuid" : type == typeof(TimeSpan) ? "interval" : type == typeof(double) ? "double precision"
            : type == typeof(DateTime) || type == typeof(DateTimeOffset) ? "timestamptz" : type == typeof(IPAddress) ? "inet" : type.Name;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void Set(Func<Watcher[], Watcher[]> change)
    {
        lock (Gate)
        {
            _watchers = change(_watchers);
            var shortest = _watchers.Length == 0 ? long.MaxValue : (long)(_watchers.Min(w => w.AtLeast).TotalSeconds * Stopwatch.Frequency);
            Volatile.Write(ref _limit, shortest);
        }
    }

    private sealed class Watcher(TimeSpan atLeast, Action<SlowStatement> seen) : IDisposable
    {
        public TimeSpan AtLeast => atLeast;

        public void Seen(SlowStatement statement) => seen(statement);

        public void Dispose() => Set(watchers => [.. watchers.Where(w => w != this)]);
    }
}

/// <summary>A statement under way, from <see cref="SlowStatements"/>. Dispose it when it has ended, once.</summary>
public readonly struct StatementTiming : IDisposable, IEquatable<StatementTiming>
{
    private readonly object? _run;
    private readonly long _startedAt;

    internal StatementTiming(object run, long startedAt) => (_run, _startedAt) = (run, startedAt);

    /// <summary>Tells whoever watches, if it was long.</summary>
    public void Dispose() => SlowStatements.End(_run, _startedAt);

    /// <inheritdoc/>
    public bool Equals(StatementTiming other) => ReferenceEquals(_run, other._run) && _startedAt == other._startedAt;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is StatementTiming other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_run, _startedAt);

    /// <summary>Whether both time the same run.</summary>
    public static bool operator ==(StatementTiming left, StatementTiming right) => left.Equals(right);

    /// <summary>Whether they time different runs.</summary>
    public static bool operator !=(StatementTiming left, StatementTiming right) => !left.Equals(right);
}
