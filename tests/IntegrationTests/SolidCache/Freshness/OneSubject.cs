using System.Diagnostics;
using Npgsql;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A history made by hand, of one subject and nodes in this process, for what must happen in one certain order.</summary>
internal sealed class OneSubject(CancellationToken ct)
{
    private const string Key = "user:1";

    private readonly List<Answered> _answers = [];
    private readonly List<Check> _checks = [];
    private long _seq = 1;

    /// <summary>Asks as often as told, one after another.</summary>
    public async Task AskAsync(ManualNode node, int times = 20)
    {
        for (var i = 0; i < times; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var answer = node.Cache.GetOrCreateAsync(Key, _ => ValueTask.FromResult(_seq), cancellationToken: ct);
            var isHit = answer.IsCompleted;
            var seq = await answer;
            _checks.Add(new Check(start, Stopwatch.GetTimestamp(), 1, isHit, seq));
        }
    }

    /// <summary>Changes it by way of a node, and answers when the barrier has let it.</summary>
    public async Task ChangeAsync(ManualNode node, NpgsqlDataSource db)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var revision = await node.Cache.InvalidateAsync(transaction, [Key], ct);
        await transaction.CommitAsync(ct);
        _seq++;
        await node.Cache.BarrierAsync(revision, ct);
        _answers.Add(new Answered(Stopwatch.GetTimestamp(), 1, _seq));
    }

    public Verdict Judge() => History.Judge(_answers, [_checks]);
}
