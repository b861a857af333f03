using System.Diagnostics.Metrics;

namespace AuthService.Database;

/// <summary>How a pool is at the moment.</summary>
/// <param name="Size">Connections that are open.</param>
/// <param name="Free">Of these, those that nobody uses.</param>
/// <param name="Waiting">Callers that wait for one.</param>
/// <param name="Max">Connections there may be.</param>
internal readonly record struct PoolGauge(int Size, int Free, int Waiting, int Max);

/// <summary>
/// What the driver measures of its pools, by the names of <see cref="DataSources"/> and those of the cache. Begin before the pools are used: who waits is told by
/// changes. In metrics as <c>db_pool_size</c>, <c>_free</c>, <c>_max</c> and <c>_waiting</c>.
/// </summary>
internal sealed class PoolGauges : IDisposable
{
    private const string Count = "db.client.connection.count", Max = "db.client.connection.max", Waiting = "db.client.connection.npgsql.pending_requests";

    private readonly Meter _meter = new("AuthService");
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, PoolGauge> _pools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _waiting = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public PoolGauges()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Npgsql" && instrument.Name is Count or Max or Waiting) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>(Measured);
        _listener.Start();
        Gauge("db_pool_size", "Connections that are open, by pool.", pool => pool.Size);
        Gauge("db_pool_free", "Of these, those that nobody uses.", pool => pool.Free);
        Gauge("db_pool_max", "Connections there may be.", pool => pool.Max);
        Gauge("db_pool_waiting", "Callers that wait for a connection.", pool => pool.Waiting);
    }

    /// <returns>All 0 for a pool that hasn't been used.</returns>
    public PoolGauge Of(string pool)
    {
        lock (_gate)
        {
            Measure();
            return _pools.GetValueOrDefault(pool) with { Waiting = Math.Max(0, _waiting.GetValueOrDefault(pool)) };
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
    }

    private void Gauge(string name, string description, Func<PoolGauge, int> figure) => _meter.CreateObservableGauge<int>(
        name, () => All().Select(pool => new Measurement<int>(figure(pool.Gauge), new KeyValuePair<string, object?>("pool", pool.Name))), "{connection}", description);

    private (string Name, PoolGauge Gauge)[] All()
    {
        lock (_gate)
        {
            Measure();
            return [.. _pools.Select(pool => (pool.Key, pool.Value with { Waiting = Math.Max(0, _waiting.GetValueOrDefault(pool.Key)) }))];
        }
    }

    private void Measure()
    {
        _pools.Clear();
        _listener.RecordObservableInstruments();
    }

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
            if (instrument.Name == Waiting)
            {
                _waiting[pool] = _waiting.GetValueOrDefault(pool) + value;
                return;
            }

            var before = _pools.GetValueOrDefault(pool);
            _pools[pool] = instrument.Name == Max ? before with { Max = value } : before with { Size = before.Size + value, Free = before.Free + (isIdle ? value : 0) };
        }
    }
}
