namespace SolidCache.Redis;

/// <summary>What an entry in Redis says of itself, so that any node can judge it without asking.</summary>
/// <param name="Epoch">The incarnation of the database it was made in.</param>
/// <param name="Xmin">All transactions before this one had ended when its load began: what it may lack is told by <see cref="Freshness.Horizon"/>.</param>
/// <param name="AsOf">The server's time at which it was at least as new as everything. For people: nothing is decided by it.</param>
/// <param name="ExpiresAt">The server's time at which its life ends, whatever Redis thinks of it.</param>
/// <param name="TagHashes">What it goes by.</param>
/// <param name="Stamps">The versions of those tags before its load began.</param>
internal sealed record EntryFacts(Guid Epoch, ulong Xmin, DateTime AsOf, DateTime ExpiresAt, long[] TagHashes, long[] Stamps);

/// <summary>How a value was found in Redis.</summary>
internal enum Verdict
{
    /// <summary>Ours, and readable.</summary>
    Good,

    /// <summary>Of another form than ours: another version of the library, or another program.</summary>
    Foreign,

    /// <summary>Ours by its form, but not as we wrote it, or not under this key.</summary>
    Forged,
}
