using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using AuthService.Caching;
using SolidCache.Redis;

namespace AuthService.Features.Authorization;

/// <summary>
/// An account's rights as they stand in Redis: <c>{"user_id":42,"roles":["admin"],"permissions":["users:read"],"role_ids":[1]}</c> among the members of the
/// cache. Names are for people, as of the catalogue this node had when it wrote them; the numbers are what is read back, and what a role permits is
/// never taken from here.
/// </summary>
internal sealed class RightsInRedis : IReadableEntry<RoleSet>
{
    private volatile RoleCatalogue? _catalogue;

    /// <summary>Names are written by this catalogue from now on.</summary>
    public void Know(RoleCatalogue catalogue) => _catalogue = catalogue;

    public void Write(Utf8JsonWriter json, string key, RoleSet value)
    {
        json.WriteNumber("user_id"u8, long.Parse(key.AsSpan(CacheTags.RightsPrefix.Length), CultureInfo.InvariantCulture));
        if (_catalogue is { } catalogue && value.In(catalogue) is { } rights)
        {
            WriteNames(json, "roles"u8, rights.Roles);
            WriteNames(json, "permissions"u8, rights.Permissions);
        }

        json.WriteStartArray("role_ids"u8);
        foreach (var id in value.Ids) json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    public bool TryRead(JsonElement members, string key, [NotNullWhen(true)] out RoleSet? value)
    {
        value = RoleSet.Of([.. members.GetProperty("role_ids"u8).EnumerateArray().Select(id => id.GetInt64())]);
        return true;
    }

    private static void WriteNames(Utf8JsonWriter json, ReadOnlySpan<byte> name, string[] names)
    {
        json.WriteStartArray(name);
        foreach (var one in names) json.WriteStringValue(one);
        json.WriteEndArray();
    }
}
