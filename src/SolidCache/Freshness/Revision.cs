namespace SolidCache.Freshness;

/// <summary>
/// What one change made invalid: its transaction, and the versions its tags have since. <c>BarrierAsync</c> waits until no node
/// answers from before it; as a token it travels with a client to whichever node comes next.
/// </summary>
public sealed class Revision
{
    /// <summary>Of a call that made nothing invalid.</summary>
    public static Revision None { get; } = new(Guid.Empty, [], [], []);

    internal Revision(Guid epoch, ulong[] xids, long[] tagHashes, long[] versions) => (Epoch, Xids, TagHashes, Versions) = (epoch, xids, tagHashes, versions);

    /// <summary>Whether it made nothing invalid: waiting for it is no wait.</summary>
    public bool IsEmpty => TagHashes.Length == 0;

    internal Guid Epoch { get; }

    internal ulong[] Xids { get; }

    internal long[] TagHashes { get; }

    internal long[] Versions { get; }

    /// <summary>Both changes as one, for one wait.</summary>
    /// <param name="other">Of the same process.</param>
    /// <returns>Waiting for it waits for both.</returns>
    public Revision With(Revision other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (IsEmpty) return other;
        if (other.IsEmpty) return this;
        // Of two incarnations of the database neither can be looked for: the empty one is waited for in full.
        return new Revision(
            Epoch == other.Epoch ? Epoch : Guid.Empty, [.. Xids, .. other.Xids], [.. TagHashes, .. other.TagHashes], [.. Versions, .. other.Versions]);
    }
}

/// <summary>The versions some tags had at a moment, taken before data was read: what was made from that data carries it.</summary>
public sealed class Stamp
{
    internal Stamp(Lease began, IReadOnlyDictionary<long, long> versions) => (Began, Versions) = (began, versions);

    internal Lease Began { get; }

    internal IReadOnlyDictionary<long, long> Versions { get; }

    /// <summary>The stamp of a value that holds a change: what the change has bumped counts with its new versions.</summary>
    /// <param name="revision">
    /// The change, which this process has made after capturing the stamp. The value has to come from the change itself (<c>RETURNING</c>, or
    /// a read in its transaction after it): one that was read before may lack what others changed in between.
    /// </param>
    public Stamp With(Revision revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        if (revision.IsEmpty) return this;
        var versions = new Dictionary<long, long>(Versions);
        for (var i = 0; i < revision.TagHashes.Length; i++)
        {
            if (versions.ContainsKey(revision.TagHashes[i])) versions[revision.TagHashes[i]] = revision.Versions[i];
        }

        return new Stamp(Began, versions);
    }
}
