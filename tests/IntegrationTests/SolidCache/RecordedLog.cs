using System.Collections.Concurrent;

namespace IntegrationTests.SolidCache;

/// <summary>What was logged: level, name of the event, text.</summary>
internal sealed class RecordedLog : ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, string Event, string Text)> _lines = new();

    public (LogLevel Level, string Event, string Text)[] Lines => [.. _lines];

    public int Count(string name) => _lines.Count(l => l.Event == name);

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue((logLevel, eventId.Name ?? "", formatter(state, exception)));

    /// <summary>For hosts: all categories in one log.</summary>
    public ILoggerProvider AsProvider() => new Provider(this);

    private sealed class Provider(RecordedLog log) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
