using System.Collections.Concurrent;

namespace AuthService.Features.Authorization;

/// <summary>
/// Which roles somebody holds, by number. Whoever holds the same shares one object, so an account costs a reference, and what a set of roles comes
/// to is worked out once for all its holders.
/// </summary>
internal sealed class RoleSet : IEquatable<RoleSet>
{
    // Sharing only spares memory: when there are more different sets than this, it begins anew.
    private const int MostShared = 100_000;

    private static readonly ConcurrentDictionary<RoleSet, RoleSet> Shared = new();
    private static long _added;

    private readonly long[] _ids;
    private readonly int _hash;
    private volatile UserRights? _rights;

    private RoleSet(long[] ids)
    {
        _ids = ids;
        var hash = new HashCode();
        foreach (var id in ids) hash.Add(id);
        _hash = hash.ToHashCode();
    }

    public ReadOnlySpan<long> Ids => _ids;

    /// <param name="ids">Distinct, in any order; becomes part of the set, and sorted.</param>
    public static RoleSet Of(long[] ids)
    {
        Array.Sort(ids);
        var set = new RoleSet(ids);
        if (Shared.TryGetValue(set, out var shared)) return shared;
        // Counted here: the dictionary would stop all its users to count.
        if (Interlocked.Increment(ref _added) % MostShared == 0) Shared.Clear();
        return Shared.GetOrAdd(set, set);
    }

    /// <summary>What the roles permit according to a catalogue.</summary>
    /// <returns>Null: the catalogue does not know one of them, so one of the two is out of date.</returns>
    public UserRights? In(RoleCatalogue catalogue)
    {
        if (_rights is { } rights && ReferenceEquals(rights.Catalogue, catalogue)) return rights;
        return _rights = UserRights.Of(this, catalogue);
    }

    public bool Equals(RoleSet? other) => other is not null && _ids.AsSpan().SequenceEqual(other._ids);

    public override bool Equals(object? obj) => Equals(obj as RoleSet);

    public override int GetHashCode() => _hash;
}
