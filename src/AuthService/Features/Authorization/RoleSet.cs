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

    /// <param name="ids">In ascending order; becomes part of the set.</param>
    public static RoleSet Of(long[] ids)
    {
        if (Shared.Count > MostShared) Shared.Clear();
        return Shared.GetOrAdd(new RoleSet(ids), static set => set);
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
