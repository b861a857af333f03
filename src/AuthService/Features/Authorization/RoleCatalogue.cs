using System.Collections.Frozen;
using AuthService.Database;
using Npgsql;

namespace AuthService.Features.Authorization;

/// <summary>
/// All roles and what they permit, of one moment, compiled: a permission is a bit, a role a set of bits. Never changes; a change of roles or
/// permissions makes another. Bits mean something only together with the instance they are from.
/// </summary>
internal sealed class RoleCatalogue
{
    private static readonly SqlFile LoadRoles = SqlFile.Beside<RoleCatalogue>("load_roles");

    private readonly FrozenDictionary<string, int> _bits;
    private readonly FrozenDictionary<long, Role> _roles;
    private readonly string[] _permissions;

    /// <param name="permissions">Names in ordinal order: the place of a name is its bit.</param>
    internal RoleCatalogue(string[] permissions, IEnumerable<KeyValuePair<long, Role>> roles)
    {
        _permissions = permissions;
        _bits = permissions.Select((name, bit) => KeyValuePair.Create(name, bit)).ToFrozenDictionary(StringComparer.Ordinal);
        _roles = roles.ToFrozenDictionary();
    }

    /// <summary>Words of 64 bits that hold a set of permissions.</summary>
    public int Words => (_permissions.Length + 63) / 64;

    public static async Task<RoleCatalogue> LoadAsync(NpgsqlDataSource db, CancellationToken ct)
    {
        var (permissions, roles) = (new List<(long Id, string Name)>(), new List<(long Id, string Name, long[] PermissionIds)>());
        await using var command = LoadRoles.On(db);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            if (row.GetBoolean(0)) roles.Add((row.GetInt64(1), row.GetString(2), row.GetFieldValue<long[]>(3)));
            else permissions.Add((row.GetInt64(1), row.GetString(2)));
        }

        // Not in the order of the database: its collation may be any.
        permissions.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        var bitOf = permissions.Select((p, bit) => KeyValuePair.Create(p.Id, bit)).ToDictionary();
        var words = (permissions.Count + 63) / 64;
        return new RoleCatalogue(
            [.. permissions.Select(p => p.Name)],
            roles.Select(r => KeyValuePair.Create(r.Id, new Role(r.Name, BitsOf(r.PermissionIds.Select(id => bitOf[id]), words)))));
    }

    /// <summary>The bit of a permission; -1: there is none of this name, and nobody holds it.</summary>
    public int BitOf(string permission) => _bits.GetValueOrDefault(permission, -1);

    public bool TryGetRole(long id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Role? role) => _roles.TryGetValue(id, out role);

    public string NameOf(int bit) => _permissions[bit];

    internal static ulong[] BitsOf(IEnumerable<int> bits, int words)
    {
        var set = new ulong[words];
        foreach (var bit in bits) set[bit >> 6] |= 1UL << (bit & 63);
        return set;
    }

    /// <param name="Bits">What it permits.</param>
    internal sealed record Role(string Name, ulong[] Bits);
}
