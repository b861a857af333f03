using System.Diagnostics.Metrics;

namespace AuthService.Database;

/// <summary>How a pool is at the moment.</summary>
/// <param name="Size">Connections that are open.</param>
/// <param name="Free">Of these, those that nobody uses.</param>
/// <param name="Waiting">Callers that wait for one.</param>
internal readonly record struct PoolGauge(int Size, int Free, int Waiting);

/// <summary>What the driver measures of its pools, by the names of <see cref="DataSources"/>. Begin before the pools are used: who waits is told by changes.</summary>
internal sealed class PoolGauges : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, PoolGauge> _pools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _waiting = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public PoolGauges()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Npgsql" && instrument.Name is "db.client.connection.count" or "db.client.connection.npgsql.pending_requests") listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>(Measured);
        _listener.Start();
    }

    /// <returns>All 0 for a pool that hasn't been used.</returns>
    public PoolGauge Of(string pool)
    {
        lock (_gate)
        {
            _pools.Clear();
            _listener.RecordObservableInstruments();
            return _pools.GetValueOrDefault(pool) with { Waiting = Math.Max(0, _waiting.GetValueOrDefault(pool)) };
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Measured(Instrument instrument, int value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        var (pool, isIdle) = ("", false);
        foreach (var (key, tag) in tags)
        {
            if (key == "db.client.connection.pool.name") pool = tag as string ?? "";
            if (key == "db.client.connection.state") isIdle = tag is "idle";
        }

        lock (_gate)
        {
            if (instrument.Name != "db.client.connection.count")
            {
                _waiting[pool] = _waiting.GetValueOrDefault(pool) + value;
                return;
            }

            var before = _pools.GetValueOrDefault(pool);
            _pools[pool] = before with { Size = before.Size + value, Free = before.Free + (isIdle ? value : 0) };
        }
    }
}
