namespace IntegrationTests;

/// <summary>
/// A registered node that has applied nothing since it was made, and says nothing: whoever changes something has to wait for it, until it is
/// let go. A wait is seen by the questions it asks, not by its length.
/// </summary>
internal sealed class SilentNode(TestDatabase database)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Beside a node that runs.</summary>
    public static async Task<SilentNode> RegisterAsync(TestDatabase database, CancellationToken ct)
    {
        await database.ExecuteSqlAsync(
            """
            INSERT INTO solid_cache.solid_cache_nodes
            SELECT gen_random_uuid(), interval '50 seconds', epoch, pg_current_snapshot(), now() FROM solid_cache.solid_cache_nodes LIMIT 1
            """, ct);
        return new SilentNode(database);
    }

    /// <summary>Returns when a call that was begun meanwhile has found, more than once, that this node has not heard of the change.</summary>
    public async Task UntilWaitedForAsync(Func<Task> begin, CancellationToken ct)
    {
        var before = await LooksAsync(ct);
        await begin();
        await Eventually.TrueAsync(async () => await LooksAsync(ct) >= before + 3, Limit);
    }

    /// <summary>It has heard of everything.</summary>
    public Task LetGoAsync(CancellationToken ct) => database.ExecuteSqlAsync(
        "UPDATE solid_cache.solid_cache_nodes SET applied_snapshot = pg_current_snapshot() WHERE lease = interval '50 seconds'", ct);

    private Task<long> LooksAsync(CancellationToken ct) => database.ReadSqlAsync<long>(
        """
        SELECT coalesce(sum(s.calls), 0)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
        WHERE  d.datname = current_database() AND s.query LIKE '%NodeBarrier.read_nodes%' AND s.query NOT LIKE '%pg_stat_statements%'
        """, ct);
}
