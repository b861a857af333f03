using Microsoft.Extensions.Logging;

namespace SolidCache.Postgres;

/// <summary>
/// Says that PostgreSQL doesn't answer: when it begins, once a minute while it lasts, and when it is over. A line for each of a
/// hundred thousand misses would be the next failure.
/// </summary>
internal sealed partial class FailureLog(TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private volatile bool _fails;
    private long _loggedAt;
    private long _unlogged;

    public void Succeeded()
    {
        if (!_fails) return;
        long failures;
        lock (_lock)
        {
            if (!_fails) return;
            _fails = false;
            failures = _unlogged;
            _unlogged = 0;
        }

        LogAnswers(failures);
    }

    public void Failed(Exception exception)
    {
        long failures;
        lock (_lock)
        {
            _unlogged++;
            if (_fails && clock.GetElapsedTime(_loggedAt) < Between) return;
            _fails = true;
            _loggedAt = clock.GetTimestamp();
            failures = _unlogged;
            _unlogged = 0;
        }

        LogFails(failures, exception);
    }

    [LoggerMessage(EventName = "cache_unavailable", Level = LogLevel.Warning, Message = "The cache in PostgreSQL fails: reads are misses, writes are not stored. {Failures} since the last such line")]
    private partial void LogFails(long failures, Exception exception);

    [LoggerMessage(EventName = "cache_available", Level = LogLevel.Information, Message = "The cache in PostgreSQL answers again. {Failures} failures since the last line")]
    private partial void LogAnswers(long failures);
}
