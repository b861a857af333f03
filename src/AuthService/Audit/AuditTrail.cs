using System.Diagnostics.Metrics;
using System.Threading.Channels;
using AuthService.Database;
using AuthService.Http;
using Npgsql;
using SolidCache;

namespace AuthService.Audit;

/// <summary>
/// Writes <c>audit_events</c>. Changes made by people with power are written in the transaction of the change
/// (<see cref="AppendAsync"/>): no event, no change. What happens often (log-in, refresh, refusals) goes through a bounded
/// buffer (<see cref="Record"/>): a crash may lose what waited there, a full buffer drops and counts. The counter must stay 0.
/// </summary>
internal sealed partial class AuditTrail(AuditOptions options, NpgsqlDataSource db, TimeProvider clock, ILogger<AuditTrail> logger) : BackgroundService
{
    private const int BatchSize = 1_000;
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private static readonly SqlFile InsertEvents = SqlFile.Beside<AuditTrail>("insert_events");

    private static readonly Meter Meter = new("AuthService.Audit");
    private static readonly EventCounter Dropped = EventCounter.Create(Meter, "authservice.audit.events_dropped", "{event}", "Events lost because the buffer was full, or the database away while stopping.");

    private readonly Channel<(AuditEvent Event, long At)> _buffer =
        Channel.CreateBounded<(AuditEvent, long)>(new BoundedChannelOptions(options.BufferSize) { SingleReader = true });

    private Task _writing = Task.CompletedTask;

    /// <summary>Queues an event; never waits. Written within some 20 ms unless the database is away.</summary>
    public void Record(AuditEvent auditEvent)
    {
        if (!_buffer.Writer.TryWrite((auditEvent, clock.GetTimestamp()))) Dropped.Add(1);
    }

    /// <summary>Writes an event in the caller's transaction.</summary>
    public static Task AppendAsync(NpgsqlTransaction transaction, AuditEvent auditEvent, CancellationToken ct) => AppendAllAsync(transaction, [auditEvent], ct);

    /// <summary>Writes events in the caller's transaction: of a change of many things, with one statement.</summary>
    public static async Task AppendAllAsync(NpgsqlTransaction transaction, AuditEvent[] auditEvents, CancellationToken ct)
    {
        if (auditEvents.Length == 0) return;
        await using var command = InsertEvents.On(transaction);
        Bind(command, auditEvents, new TimeSpan[auditEvents.Length]);
        await command.ExecuteNonQueryAsync(ct);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Record(AuditEvent.Of(AuditTypes.Startup, Caller.Service));
        _writing = WriteBufferAsync(stoppingToken);
        return _writing;
    }

    private async Task WriteBufferAsync(CancellationToken stopping)
    {
        var batch = new List<(AuditEvent Event, long At)>(BatchSize);
        while (await _buffer.Reader.WaitToReadAsync(CancellationToken.None))
        {
            // A statement and a commit cost more than the rows in it: some come along.
            await Task.Delay(Linger, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            batch.Clear();
            while (batch.Count < BatchSize && _buffer.Reader.TryRead(out var entry)) batch.Add(entry);
            await WriteAsync(batch, stopping);
        }
    }

    /// <summary>Takes no more, writes what is there, then stops. What can't be written within the host's limit is counted as dropped.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        Record(AuditEvent.Of(AuditTypes.Shutdown, Caller.Service));
        _buffer.Writer.TryComplete();
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    private async Task WriteAsync(List<(AuditEvent Event, long At)> batch, CancellationToken stopping)
    {
        var tries = 0;
        while (true)
        {
            try
            {
                await using var command = InsertEvents.On(db);
                Bind(command, [.. batch.Select(e => e.Event)], [.. batch.Select(e => clock.GetElapsedTime(e.At))]);
                await command.ExecuteNonQueryAsync(CancellationToken.None);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                tries++;
                if (stopping.IsCancellationRequested && tries > 1)
                {
                    Dropped.Add(batch.Count);
                    LogLost(e, batch.Count);
                    return;
                }

                LogRetry(e, batch.Count);
                await Task.Delay(RetryDelay, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static void Bind(Statement statement, AuditEvent[] events, TimeSpan[] waited)
    {
        statement.With(Column(e => e.Id)).With(waited).With(Column(e => e.Type)).With(Column(e => e.ActorType)).With(Column(e => e.ActorId))
            .With(Column(e => e.SessionId)).With(Column(e => e.TargetType)).With(Column(e => e.TargetId)).With(Column(e => e.Outcome))
            .With(Column(e => e.Reason)).With(Column(e => e.Diff)).With(Column(e => e.Ip)).With(Column(e => e.UserAgent)).With(Column(e => e.RequestId)).With(Column(e => e.TraceId));

        T[] Column<T>(Func<AuditEvent, T> member) => Array.ConvertAll(events, e => member(e));
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} audit events can't be written yet")]
    private partial void LogRetry(Exception exception, int count);

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Count} audit events are lost: the database was away while stopping")]
    private partial void LogLost(Exception exception, int count);
}
