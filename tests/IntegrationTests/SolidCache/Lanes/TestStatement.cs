using Npgsql;
using SolidCache.Lanes;

namespace IntegrationTests.SolidCache.Lanes;

/// <summary>A statement of an application: an array of numbers goes out, rows (number, result) come back.</summary>
internal sealed class TestStatement(string sql) : BatchedStatement<int, long>
{
    public override string Name => "test";
    public override string Sql { get; } = sql;
    public override int MaxBatch { get; } = 256;
    public override int MaxQueued => Queued;
    public override bool IsRepeatable => Repeatable;

    public int Queued { get; init; } = 16_384;

    public bool Repeatable { get; init; }

    /// <summary>Called in Bind; the first one may wait, which keeps the lane busy until the test has put others in line.</summary>
    public Action<IReadOnlyList<int>> OnBind { get; init; } = _ => { };

    public Action<int> OnRead { get; init; } = _ => { };

    public List<int> BatchSizes { get; } = [];

    public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<int[]>()];

    public override void Bind(Batch<int, long> batch, NpgsqlParameter[] parameters)
    {
        lock (BatchSizes) BatchSizes.Add(batch.Requests.Count);
        OnBind(batch.Requests);
        ((NpgsqlParameter<int[]>)parameters[0]).TypedValue = [.. batch.Requests.Distinct().Order()];
    }

    public override void Read(NpgsqlDataReader row, Batch<int, long> batch)
    {
        var number = row.GetInt32(0);
        OnRead(number);
        for (var i = 0; i < batch.Requests.Count; i++)
        {
            if (batch.Requests[i] == number) batch.SetResult(i, row.GetInt64(1));
        }
    }

    public override long WithoutRow(int index, Batch<int, long> batch) => -1;
}

/// <summary>Holds the first batch back in Bind, so that what a test asks meanwhile travels in one batch.</summary>
internal sealed class Gate : IDisposable
{
    private readonly ManualResetEventSlim _reached = new();
    private readonly ManualResetEventSlim _open = new();
    private int _passed;

    public void Pass()
    {
        if (Interlocked.Increment(ref _passed) != 1) return;
        _reached.Set();
        if (!_open.Wait(TimeSpan.FromSeconds(30))) throw new TimeoutException("The gate was never opened.");
    }

    public Task UntilReachedAsync(CancellationToken ct) => Task.Run(() => _reached.Wait(ct), ct);

    public void Open() => _open.Set();

    public void Dispose()
    {
        _open.Set();
        _reached.Dispose();
    }
}
