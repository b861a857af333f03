using System.Numerics;
using System.Text;
using AuthService.Client;
using AuthService.Http;

namespace AuthService.Features.Authorization;

/// <summary>What somebody may do, of one state of roles and permissions. Never changes; all who hold the same roles share it.</summary>
internal sealed class UserRights
{
    private readonly ulong[] _bits;

    private readonly RoleSet _set;

    private UserRights(RoleSet set, RoleCatalogue catalogue, string[] roles, ulong[] bits, string[] permissions) =>
        (_set, Catalogue, Roles, _bits, Permissions) = (set, catalogue, roles, bits, permissions);

    /// <summary>What the bits are from.</summary>
    public RoleCatalogue Catalogue { get; }

    /// <summary>Names, sorted ordinally.</summary>
    public string[] Roles { get; }

    /// <summary><c>resource:action</c>, sorted ordinally.</summary>
    public string[] Permissions { get; }

    /// <summary>Tag of an answer that says nothing but these roles and permissions.</summary>
    public string ETag => field ??= ETags.Of(Encoding.UTF8.GetBytes(string.Join('\n', Roles) + "\n\n" + string.Join('\n', Permissions)));

    /// <returns>Null: a role is not in the catalogue.</returns>
    public static UserRights? Of(RoleSet set, RoleCatalogue catalogue)
    {
        var names = new string[set.Ids.Length];
        var bits = new ulong[catalogue.Words];
        for (var i = 0; i < names.Length; i++)
        {
            if (!catalogue.TryGetRole(set.Ids[i], out var role)) return null;
            names[i] = role.Name;
            for (var word = 0; word < bits.Length; word++) bits[word] |= role.Bits[word];
        }

        Array.Sort(names, StringComparer.Ordinal);
        return new UserRights(set, catalogue, names, bits, NamesOf(bits, catalogue));
    }

    /// <summary>No for every name that isn't held, known or not.</summary>
    public bool Allow(string permission)
    {
        var bit = Catalogue.BitOf(permission);
        return bit >= 0 && (_bits[bit >> 6] & (1UL << (bit & 63))) != 0;
    }

    /// <summary>The roles through which a permission is held.</summary>
    public IReadOnlyList<PermissionPath> PathsTo(string permission)
    {
        var bit = Catalogue.BitOf(permission);
        var paths = new List<PermissionPath>();
        if (bit < 0) return paths;
        foreach (var id in _set.Ids)
        {
            if (Catalogue.TryGetRole(id, out var role) && (role.Bits[bit >> 6] & (1UL << (bit & 63))) != 0) paths.Add(new PermissionPath(id, role.Name, permission));
        }

        return paths;
    }

    /// <summary>Whether both hold the same roles and permissions, by name.</summary>
    public bool IsSameAs(UserRights other) => Roles.AsSpan().SequenceEqual(other.Roles) && Permissions.AsSpan().SequenceEqual(other.Permissions);

    private static string[] NamesOf(ulong[] bits, RoleCatalogue catalogue)
    {
        var names = new List<string>();
        for (var word = 0; word < bits.Length; word++)
        {
            for (var left = bits[word]; left != 0; left &= left - 1) names.Add(catalogue.NameOf((word << 6) + BitOperations.TrailingZeroCount(left)));
        }

        return [.. names];
    }
}
