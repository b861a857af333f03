using System.Collections.Concurrent;

namespace IntegrationTests.Http;

/// <summary>What a node has logged, as text and member by member.</summary>
internal sealed class RecordedRequests : ILoggerProvider
{
    private readonly ConcurrentQueue<LoggedLine> _lines = [];

    public LoggedLine[] All => [.. _lines];

    /// <summary>Lines of requests of one path.</summary>
    public IEnumerable<LoggedLine> Of(string path) => _lines.Where(l => l.Value("Path") as string == path && l.Value("RequestId") is not null);

    /// <summary>The one line of one path; it is written a moment after the answer.</summary>
    public async Task<LoggedLine> OneOfAsync(string path)
    {
        await Eventually.TrueAsync(() => Of(path).Any(), TimeSpan.FromSeconds(10), path);
        return Assert.Single(Of(path));
    }

    public ILogger CreateLogger(string categoryName) => new Recorder(_lines, categoryName);

    public void Dispose()
    {
    }

    private sealed class Recorder(ConcurrentQueue<LoggedLine> lines, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(new LoggedLine(category, logLevel, eventId.Name ?? "", formatter(state, exception) + exception, state is IReadOnlyList<KeyValuePair<string, object?>> members ? [.. members] : []));
    }
}

internal sealed record LoggedLine(string Category, LogLevel Level, string Event, string Text, KeyValuePair<string, object?>[] Members)
{
    public object? Value(string member) => Members.FirstOrDefault(m => m.Key == member).Value;
}
