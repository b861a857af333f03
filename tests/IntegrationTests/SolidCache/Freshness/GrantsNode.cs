using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using SolidCache;
using SolidCache.Freshness;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>How a node of a run is started: written on its command line as JSON.</summary>
internal sealed record NodeSetup(
    string ConnectionString, string Folder, int Node, int Nodes, int Seed, Mechanisms Disabled, double LeaseSeconds, double RetentionSeconds, int Batch, bool Writes, bool LeaseByHeartbeat)
{
    public const int Subjects = 24;
    public const int Roles = 4;

    /// <summary>Subjects that only the test changes, through a node it tells to.</summary>
    public const int Reserved = 4;

    public const int CheckLoops = 2;

    public void Configure(SolidCacheOptions options)
    {
        options.ConnectionString = ConnectionString;
        options.Lanes = 2;
        options.Freshness.Lease = TimeSpan.FromSeconds(LeaseSeconds);
        options.Freshness.Retention = TimeSpan.FromSeconds(RetentionSeconds);
        options.Freshness.PollInterval = TimeSpan.FromMilliseconds(100);
        options.Freshness.Disabled = Disabled;
        options.Freshness.LeaseByHeartbeat = LeaseByHeartbeat;
        options.AddGroup("local", "local:", g => g.InPostgres = false);
    }
}

/// <summary>
/// A process that caches the numbers of subjects and asks for them all the time, while it and others change them. Told what to do on its input,
/// says what it does on its output, writes what was answered into files.
/// </summary>
internal sealed class GrantsNode : IAsyncDisposable
{
    private static readonly TimeSpan BetweenBatches = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan BetweenChanges = TimeSpan.FromMilliseconds(4);

    private readonly NodeSetup _setup;
    private readonly CacheNode _node;
    private readonly NpgsqlDataSource _db;
    private readonly Board _board;
    private readonly Records<Answered> _answers;
    private readonly CancellationTokenSource _stop = new();
    private long _failures;

    private GrantsNode(NodeSetup setup)
    {
        _setup = setup;
        var options = new SolidCacheOptions();
        setup.Configure(options);
        _node = new CacheNode(options, services: null, TimeProvider.System, NullLoggerFactory.Instance);
        // Short time-outs: a call that failed is tried again or given up, and never counts as answered.
        _db = NpgsqlDataSource.Create(setup.ConnectionString + ";Maximum Pool Size=8;Timeout=2;Command Timeout=3;Cancellation Timeout=-1");
        _board = new Board($"{setup.Folder}/board", setup.Nodes);
        _answers = new Records<Answered>($"{setup.Folder}/answers.{Environment.ProcessId}");
    }

    public static async Task<int> RunAsync(NodeSetup setup)
    {
        await using var node = new GrantsNode(setup);
        await node.RunAsync();
        return 0;
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await _db.DisposeAsync();
        _answers.Dispose();
        _board.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await _node.StartAsync(CancellationToken.None);
        List<Task> loops = [.. Enumerable.Range(0, NodeSetup.CheckLoops).Select(i => Task.Run(() => CheckAsync(i)))];
        if (_setup.Writes) loops.Add(Task.Run(ChangeAsync));
        loops.Add(Task.Run(FinishForOthersAsync));
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } line && line != "stop")
        {
            var words = line.Split(' ');
            Console.WriteLine(await ObeyAsync(words[0], int.Parse(words[1], null), words.Length > 2 ? long.Parse(words[2], null) : 0));
        }

        await _stop.CancelAsync();
        await Task.WhenAll(loops);
        Console.WriteLine($"done {_failures}");
    }

    private async Task<string> ObeyAsync(string what, int subject, long seq)
    {
        try
        {
            if (what == "retry") await AnswerForAsync(subject, seq, CancellationToken.None);
            else if (what == "change") seq = await GrantAsync(subject, answers: true, CancellationToken.None);
            else seq = await GrantAsync(subject, answers: false, CancellationToken.None);   // "abandon"
            return $"ok {seq}";
        }
        catch (Exception e) when (IsFailedCall(e))
        {
            return $"failed {e.GetType().Name}";
        }
    }

    /// <summary>Asks for what was answered last, again and again, and now and then for any other.</summary>
    private async Task CheckAsync(int loop)
    {
        using var checks = new Records<Check>($"{_setup.Folder}/checks.{Environment.ProcessId}.{loop}");
        var random = new Chance(_setup.Seed + (100 * _setup.Node) + loop);
        while (!_stop.IsCancellationRequested)
        {
            for (var i = 0; i < _setup.Batch; i++)
            {
                var recent = i % 8 == 0 ? -1 : _board.Recent(random.Next(_setup.Nodes), random.Next(4));
                var subject = recent < 0 ? random.Next(NodeSetup.Subjects + NodeSetup.Reserved) : recent;
                await CheckAsync(subject, checks, slow: random.Next(8) == 0);
            }

            checks.Flush();
            await Task.Delay(BetweenBatches, TimeProvider.System, CancellationToken.None);
        }
    }

    private async ValueTask CheckAsync(int subject, Records<Check> checks, bool slow)
    {
        try
        {
            var start = Stopwatch.GetTimestamp();
            var answer = AskAsync(subject, slow);
            var isHit = answer.IsCompleted;
            var seq = await answer;
            checks.Add(new Check(start, Stopwatch.GetTimestamp(), subject, isHit, seq));
        }
        catch (Exception e) when (IsFailedCall(e))
        {
            Interlocked.Increment(ref _failures);
            await Task.Delay(BetweenBatches, TimeProvider.System, CancellationToken.None);
        }
    }

    // Three kinds of entries: in both tiers, in memory alone, and with a tag that the loader chooses.
    private ValueTask<long> AskAsync(int subject, bool slow) => (subject % 3) switch
    {
        0 => _node.Cache.GetOrCreateAsync(Key(subject), (this, subject, slow), static (s, ct) => s.Item1.LoadAsync(s.subject, s.slow, ct), null, Tags(subject)),
        1 => _node.Cache.GetOrCreateAsync(Key(subject), (this, subject, slow), static (s, ct) => s.Item1.LoadAsync(s.subject, s.slow, ct), null, Tags(subject)),
        _ => _node.Cache.GetOrLoadAsync(Key(subject), (this, subject, slow), static (s, context, ct) =>
        {
            context.AddTag(Role(s.subject));
            return s.Item1.LoadAsync(s.subject, s.slow, ct);
        }, null, [User(subject)]),
    };

    private async ValueTask<long> LoadAsync(int subject, bool slow, CancellationToken ct)
    {
        await using var read = _db.CreateCommand("SELECT seq FROM grants WHERE subject = $1");
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = subject });
        var seq = (long)(await read.ExecuteScalarAsync(ct))!;
        // Between the read and the storing is where a change does harm.
        if (slow) await Task.Delay(BetweenChanges, TimeProvider.System, ct);
        return seq;
    }

    private async Task ChangeAsync()
    {
        var random = new Chance(_setup.Seed + (1000 * _setup.Node));
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var subject = random.Next(NodeSetup.Subjects);
                switch (random.Next(10))
                {
                    case 0: await EditRoleAsync(random.Next(NodeSetup.Roles), _stop.Token); break;
                    case 1: await GrantAsync(subject, answers: false, _stop.Token); break;
                    case 2: await PlainSqlAsync(subject, _stop.Token); break;
                    case 3: await WriteThroughAsync(subject - (subject % 3), _stop.Token); break;
                    case 4: await RemoveAsync(subject, _stop.Token); break;
                    default: await GrantAsync(subject, answers: true, _stop.Token); break;
                }

                await Task.Delay(BetweenChanges, TimeProvider.System, _stop.Token);
            }
            catch (Exception e) when (IsFailedCall(e))
            {
                if (!_stop.IsCancellationRequested) Interlocked.Increment(ref _failures);
                await Task.Delay(BetweenChanges, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    /// <summary>A change. Without an answer it is one whose process died between COMMIT and barrier: the next node is left to finish it.</summary>
    private async Task<long> GrantAsync(int subject, bool answers, CancellationToken ct)
    {
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var seq = (await UpdateAsync(transaction, "subject", subject, ct))[0].Seq;
        var revision = await _node.Cache.InvalidateAsync(transaction, [User(subject)], ct);
        await transaction.CommitAsync(ct);
        if (!answers)
        {
            _board.Abandon(_setup.Node, subject, seq);
            return seq;
        }

        await _node.Cache.BarrierAsync(revision, ct);
        Answer(subject, seq);
        return seq;
    }

    private async Task EditRoleAsync(int role, CancellationToken ct)
    {
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var changed = await UpdateAsync(transaction, "role", role, ct);
        var revision = await _node.Cache.InvalidateAsync(transaction, [Role(role)], ct);
        await transaction.CommitAsync(ct);
        await _node.Cache.BarrierAsync(revision, ct);
        foreach (var (subject, seq) in changed) Answer(subject, seq);
    }

    /// <summary>As a trigger does it: the cache hears of the tags only by what the transaction has written.</summary>
    private async Task PlainSqlAsync(int subject, CancellationToken ct)
    {
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var seq = (await UpdateAsync(transaction, "subject", subject, ct))[0].Seq;
        await using (var bump = new NpgsqlCommand("SELECT solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag($1)])", connection, transaction))
        {
            bump.Parameters.Add(new NpgsqlParameter<string> { TypedValue = User(subject) });
            await bump.ExecuteNonQueryAsync(ct);
        }

        var revision = await _node.Cache.InvalidateAsync(transaction, [], ct);
        await transaction.CommitAsync(ct);
        await _node.Cache.BarrierAsync(revision, ct);
        Answer(subject, seq);
    }

    /// <summary>Puts the new number into the cache itself, by a stamp from before the change.</summary>
    private async Task WriteThroughAsync(int subject, CancellationToken ct)
    {
        var stamp = await _node.Cache.CaptureAsync($"grant:{subject}", Tags(subject), ct);
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var seq = (await UpdateAsync(transaction, "subject", subject, ct))[0].Seq;
        var revision = await _node.Cache.InvalidateAsync(transaction, [User(subject)], ct);
        await transaction.CommitAsync(ct);
        await _node.Cache.SetAsync($"grant:{subject}", seq, stamp.With(revision), null, Tags(subject), ct);
        await _node.Cache.BarrierAsync(revision, ct);
        Answer(subject, seq);
    }

    /// <summary>A change that the cache is told of afterwards, by key.</summary>
    private async Task RemoveAsync(int subject, CancellationToken ct)
    {
        await using var connection = await _db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var seq = (await UpdateAsync(transaction, "subject", subject, ct))[0].Seq;
        await transaction.CommitAsync(ct);
        await _node.Cache.RemoveAsync(Key(subject), ct);
        Answer(subject, seq);
    }

    private async Task FinishForOthersAsync()
    {
        var (from, read) = ((_setup.Node + _setup.Nodes - 1) % _setup.Nodes, 0L);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                while (_board.NextAbandoned(from, ref read) is var (subject, seq)) await AnswerForAsync(subject, seq, _stop.Token);
            }
            catch (Exception e) when (IsFailedCall(e))
            {
                // Never answered, then.
            }

            await Task.Delay(BetweenBatches, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>The same call again, on another node: it finds nothing to change, waits in the other's place, and answers.</summary>
    private async Task AnswerForAsync(int subject, long seq, CancellationToken ct)
    {
        await using var read = _db.CreateCommand("SELECT seq >= $2 FROM grants WHERE subject = $1");
        read.Parameters.Add(new NpgsqlParameter<int> { TypedValue = subject });
        read.Parameters.Add(new NpgsqlParameter<long> { TypedValue = seq });
        if (!(bool)(await read.ExecuteScalarAsync(ct))!) throw new InvalidOperationException("The change was lost.");
        var revision = await _node.Cache.CurrentRevisionAsync([User(subject)], ct);
        await _node.Cache.BarrierAsync(revision, ct);
        Answer(subject, seq);
    }

    private void Answer(int subject, long seq)
    {
        _answers.Add(new Answered(Stopwatch.GetTimestamp(), subject, seq));
        _answers.Flush();
        _board.Answer(_setup.Node, subject);
    }

    private static async Task<List<(int Subject, long Seq)>> UpdateAsync(NpgsqlTransaction transaction, string column, int value, CancellationToken ct)
    {
        // Role edits lock many rows: in one order, or two of them deadlock.
        await using var update = new NpgsqlCommand(
            $"UPDATE grants g SET seq = g.seq + 1 FROM (SELECT subject FROM grants WHERE {column} = $1 ORDER BY subject FOR UPDATE) l WHERE g.subject = l.subject RETURNING g.subject, g.seq",
            transaction.Connection, transaction);
        update.Parameters.Add(new NpgsqlParameter<int> { TypedValue = value });
        await using var row = await update.ExecuteReaderAsync(ct);
        var changed = new List<(int, long)>();
        while (await row.ReadAsync(ct)) changed.Add((row.GetInt32(0), row.GetInt64(1)));
        return changed;
    }

    // Whatever a broken connection, a server that stands still or a node that was stopped for long makes of a call. Anything else ends the process, and the test.
    private static bool IsFailedCall(Exception e) => e is NpgsqlException or IOException or TimeoutException or OperationCanceledException or InvalidOperationException;

    private static string Key(int subject) => subject % 3 == 1 ? $"local:{subject}" : $"grant:{subject}";

    private static string[] Tags(int subject) => [User(subject), Role(subject)];

    private static string User(int subject) => $"user:{subject}";

    private static string Role(int subject) => $"role:{subject % NodeSetup.Roles}";
}
