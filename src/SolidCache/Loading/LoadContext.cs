namespace SolidCache.Loading;

/// <summary>
/// Lets a loader decide about the entry it makes: how long it lives, what makes it invalid, whether it is kept. Good until the
/// loader returns.
/// </summary>
public sealed class LoadContext
{
    private readonly Dictionary<string, long?> _tags = new(StringComparer.Ordinal);

    internal LoadContext()
    {
    }

    /// <summary>Life of the entry; null: as the caller or the group says. Zero: not kept.</summary>
    public TimeSpan? Expiration { get; set; }

    /// <summary>Life of the entry in this node's memory; null: as the caller or the group says.</summary>
    public TimeSpan? LocalExpiration { get; set; }

    /// <summary>Whether the value is only returned, and not kept anywhere.</summary>
    public bool DoNotStore { get; set; }

    internal IReadOnlyDictionary<string, long?> Tags => _tags;

    /// <summary>
    /// A tag the caller could not know. Costs a look at its version when the loader has returned; if it was bumped so lately that the data
    /// may be older, the value is returned and not kept.
    /// </summary>
    /// <param name="tag">1 to 1,024 UTF-8 bytes; 64 tags at most.</param>
    /// <exception cref="ArgumentException">Empty, too long, or one too many.</exception>
    public void AddTag(string tag) => Add(tag, null);

    /// <summary>A tag with the version that the data was read with, in one snapshot: the same statement returned both.</summary>
    /// <param name="tag">1 to 1,024 UTF-8 bytes; 64 tags at most.</param>
    /// <param name="version">From <c>solid_cache_tag_versions</c>; 0 where that has no row.</param>
    /// <exception cref="ArgumentException">Empty, too long, or one too many.</exception>
    public void AddTag(string tag, long version) => Add(tag, version);

    private void Add(string tag, long? version)
    {
        CacheKey.Check(tag, nameof(tag));
        if (_tags.Count >= EntryRequest.MaxTags && !_tags.ContainsKey(tag)) throw new ArgumentException($"A loader adds at most {EntryRequest.MaxTags} tags.", nameof(tag));
        _tags[tag] = version;
    }
}
