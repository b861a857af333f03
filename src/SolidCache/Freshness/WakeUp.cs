using Microsoft.Extensions.Logging;
using Npgsql;
using SolidCache.Lanes;

namespace SolidCache.Freshness;

/// <summary>Brings news of changes to other nodes sooner than their polls would. May lose, double or invent any.</summary>
internal interface IInvalidationChannel
{
    /// <summary>Says that something has changed, and what, if it can. Waits for nobody.</summary>
    /// <returns>False: it can't at the moment; another channel has to.</returns>
    bool Publish(Revision revision);

    /// <summary>Calls <paramref name="changed"/> whenever a node, this one included, has said so. Until cancelled; recovers by itself.</summary>
    Task ListenAsync(Action changed, CancellationToken ct);
}

/// <summary>LISTEN and NOTIFY: an empty notification, one for all changes of a batch.</summary>
internal sealed partial class WakeUp : IInvalidationChannel
{
    private static readonly SqlFile Listen = SqlFile.Beside<WakeUp>("listen");
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // The driver loses about one in a million cancellations that come just as a wait begins (npgsql/npgsql#5975): a wait without an end
    // would hold up the host's stop for good.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly NpgsqlDataSource _db;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly string _channel;
    private readonly BatchedCall<bool, bool> _notify;

    public WakeUp(NpgsqlDataSource db, LaneSet lanes, string schema, TimeProvider clock, ILogger logger)
    {
        (_db, _clock, _logger) = (db, clock, logger);
        // A channel is an identifier of 63 bytes; a schema's name may have as many.
        _channel = $"solid_cache_{TagHash.Of(schema):x16}";
        _notify = lanes.Add(new NotifyStatement(schema, _channel));
    }

    public bool Publish(Revision revision)
    {
        try
        {
            _ = _notify.ExecuteAsync(true, CancellationToken.None)
                .ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            return true;
        }
        catch (LaneFullException)
        {
            return false;   // the polls come without it
        }
    }

    public async Task ListenAsync(Action changed, CancellationToken ct)
    {
        var pause = TimeSpan.Zero;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                var connection = await _db.OpenConnectionAsync(ct).ConfigureAwait(false);
                await using var _ = connection.ConfigureAwait(false);
                connection.Notification += (_, _) => changed();
                var listen = new NpgsqlCommand(Listen.Text.Replace("solid_cache_channel", _channel, StringComparison.Ordinal), connection);
                await using (listen.ConfigureAwait(false)) await listen.ExecuteNonQueryAsync(ct).ConfigureAwait(false);
                changed();   // whatever was said while nobody listened
                pause = TimeSpan.Zero;
                while (true) await connection.WaitAsync(LongestWait, ct).ConfigureAwait(false);
            }
            catch (Exception) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                if (pause == TimeSpan.Zero) LogLost(e);
                pause = pause == TimeSpan.Zero ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
                await Task.Delay(pause, _clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Notifications of invalidations are lost for now; the polls go on.")]
    private partial void LogLost(Exception exception);

    private sealed class NotifyStatement(string schema, string channel) : BatchedStatement<bool, bool>
    {
        public override string Name => "notify";
        public override string Sql { get; } = SqlFile.Beside<WakeUp>("notify").In(schema);
        public override int MaxBatch => 1024;
        public override long? Affinity(bool request) => 0;
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<string>()];
        public override void Bind(Batch<bool, bool> batch, NpgsqlParameter[] parameters) => ((NpgsqlParameter<string>)parameters[0]).TypedValue = channel;

        public override void Read(NpgsqlDataReader row, Batch<bool, bool> batch)
        {
            // One row of nothing, for all.
        }

        public override bool WithoutRow(int index, Batch<bool, bool> batch) => true;
    }
}
