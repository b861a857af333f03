using AuthService.Installation;
using SolidCache;

namespace AuthService.Database;

/// <summary>Says which statements take longer than <see cref="DatabaseOptions.SlowStatement"/>: the service's own, those of the lanes and the cache's. No value gets in.</summary>
/// <remarks>Bounded: when everything is slow, some lines say so as well as all of them would.</remarks>
internal sealed partial class SlowStatementLog(TimeSpan atLeast, TimeProvider clock, ILogger<SlowStatementLog> logger) : IHostedService
{
    private const int MaxLines = 20;   // in a Window

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private IDisposable? _watching;
    private long _windowBegan;
    private int _lines;
    private int _leftOut;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _windowBegan = clock.GetTimestamp();
        _watching = SlowStatements.Watch(atLeast, Seen);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _watching?.Dispose();
        return Task.CompletedTask;
    }

    internal void Seen(SlowStatement statement)
    {
        int leftOut;
        lock (_gate)
        {
            leftOut = 0;
            if (clock.GetElapsedTime(_windowBegan) >= Window) (_windowBegan, leftOut, _lines, _leftOut) = (clock.GetTimestamp(), _leftOut, 0, 0);
            if (++_lines > MaxLines)
            {
                _leftOut++;
                return;
            }
        }

        if (leftOut > 0) LogLeftOut(leftOut);
        LogSlow(statement.Name, (long)statement.Duration.TotalMilliseconds, statement.Parameters);
    }

    [LoggerMessage(EventName = "slow_statement", Level = LogLevel.Warning, Message = "Slow statement: {Name} took {Milliseconds} ms with ({Parameters})")]
    private partial void LogSlow(string name, long milliseconds, string parameters);

    [LoggerMessage(EventName = "slow_statements_left_out", Level = LogLevel.Warning, Message = "{Count} more slow statements were not named")]
    private partial void LogLeftOut(int count);
}

internal static class SlowStatementLogRegistration
{
    public static IServiceCollection AddSlowStatementLog(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Settings.Bind<DatabaseOptions>(configuration, "Database");
        return services.AddHostedService(provider =>
            new SlowStatementLog(options.SlowStatement, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<SlowStatementLog>>()));
    }
}
