using Npgsql;

namespace SolidCache.Lanes;

/// <summary>
/// One SQL statement that answers many callers at once: whoever asks while a round trip is under way travels together in the next.
/// Derive from it to carry a statement of your own, hand it to <see cref="LaneSet.Add"/>, and call what that returns.
/// </summary>
/// <remarks>
/// The methods are called by one lane at a time and must not wait for anything. Several lanes use one instance, so it keeps no state.
/// Source: docs/cache/lanes.md.
/// </remarks>
/// <typeparam name="TRequest">What one caller asks.</typeparam>
/// <typeparam name="TResult">What one caller gets. Where a caller has left meanwhile and the result is <see cref="IDisposable"/>, it is disposed.</typeparam>
public abstract class BatchedStatement<TRequest, TResult>
{
    /// <summary>Shown in metrics. 1 to 63 characters, such as <c>users.load_rights</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The statement with positional parameters, usually arrays. Prepared once per connection.</summary>
    public abstract string Sql { get; }

    /// <summary>Callers in one round trip at most. 1 to 1,024; default 256.</summary>
    public virtual int MaxBatch => 256;

    /// <summary>Callers waiting on one lane at most; one more gets a <see cref="LaneFullException"/>. Default 16,384.</summary>
    public virtual int MaxQueued => 16_384;

    /// <summary>
    /// Whether the batch may be sent again after the connection broke with the outcome unknown. True for reads and for writes that
    /// come to the same when done twice; default false.
    /// </summary>
    public virtual bool IsRepeatable => false;

    /// <summary>The bytes a waiting request holds; a lane holds 64 MiB of them and puts at most 4 MiB into one batch (or one request). Default 0.</summary>
    public virtual long Weigh(TRequest request) => 0;

    /// <summary>Requests of the same number travel on the same lane, in the order they came. Default: any lane.</summary>
    /// <returns>Null: the first lane on which few wait.</returns>
    public virtual long? Affinity(TRequest request) => null;

    /// <summary>The typed parameters of <see cref="Sql"/>, in order. Called once per connection; <see cref="Bind"/> fills them anew for every batch.</summary>
    public abstract NpgsqlParameter[] CreateParameters();

    /// <summary>Puts a batch's requests into the parameters.</summary>
    /// <param name="batch">1 to <see cref="MaxBatch"/> requests. Some may be equal: bind one of them and give the result to all.</param>
    /// <param name="parameters">Those of <see cref="CreateParameters"/>.</param>
    public abstract void Bind(Batch<TRequest, TResult> batch, NpgsqlParameter[] parameters);

    /// <summary>Reads one row and gives its result to the callers it is for (<see cref="Batch{TRequest,TResult}.SetResult"/>).</summary>
    /// <param name="row">Standing on the row. Copy what you take: it is gone with the next row.</param>
    /// <param name="batch">The requests, and the places for their results.</param>
    public abstract void Read(NpgsqlDataReader row, Batch<TRequest, TResult> batch);

    /// <summary>What a caller gets whom no row gave a result. Asked when all rows are read.</summary>
    /// <param name="index">Into the batch's requests.</param>
    /// <param name="batch">As the rows left it.</param>
    public abstract TResult WithoutRow(int index, Batch<TRequest, TResult> batch);
}

/// <summary>The requests that travel together, and the results as the rows bring them. Handed out when the statement is complete.</summary>
/// <typeparam name="TRequest">What one caller asks.</typeparam>
/// <typeparam name="TResult">What one caller gets.</typeparam>
public sealed class Batch<TRequest, TResult>
{
    private readonly TResult[] _results;
    private readonly bool[] _has;

    internal Batch(IReadOnlyList<TRequest> requests)
    {
        Requests = requests;
        _results = new TResult[requests.Count];
        _has = new bool[requests.Count];
    }

    /// <summary>In the order in which they were bound.</summary>
    public IReadOnlyList<TRequest> Requests { get; }

    /// <summary>Whether the server has answered: a statement that writes may have written.</summary>
    internal bool HasRun { get; set; }

    /// <summary>For the statement to keep what it needs from row to row, such as a map from id to request. Null at first.</summary>
    public object? State { get; set; }

    /// <summary>Gives a request its result; a second one for the same request replaces the first.</summary>
    /// <param name="index">Into <see cref="Requests"/>.</param>
    /// <param name="result">Shared with nobody unless you give it to several.</param>
    public void SetResult(int index, TResult result)
    {
        _results[index] = result;
        _has[index] = true;
    }

    /// <summary>The result a row has brought so far, if any.</summary>
    /// <param name="index">Into <see cref="Requests"/>.</param>
    /// <param name="result">The result, or the type's default.</param>
    public bool TryGetResult(int index, out TResult result)
    {
        result = _results[index];
        return _has[index];
    }
}

/// <summary>A lane's queue is full: the server is slower than its callers. Nothing was sent.</summary>
/// <param name="statement">The statement's name.</param>
public sealed class LaneFullException(string statement)
    : InvalidOperationException($"The queue of '{statement}' is full: PostgreSQL is slower than its callers. Nothing was sent.");
