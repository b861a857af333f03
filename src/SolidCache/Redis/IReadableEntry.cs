using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace SolidCache.Redis;

/// <summary>Writes the values of a group into Redis as members of a JSON object, for people with <c>redis-cli</c>, and reads them back.</summary>
/// <typeparam name="T">The values of the group; nobody may change them (<see cref="CacheGroup.SharesObjects"/>).</typeparam>
public interface IReadableEntry<T>
{
    /// <summary>Writes members into an object that is open. The names <c>v, epoch, xmin, as_of, expires_at, stamps, mac</c> are the cache's.</summary>
    /// <param name="json">Within the object.</param>
    /// <param name="key">The entry's key.</param>
    /// <param name="value">Never null: a group of this kind does not keep nothing.</param>
    void Write(Utf8JsonWriter json, string key, T value);

    /// <summary>Makes the value of the members again.</summary>
    /// <param name="members">The whole object, as it was written.</param>
    /// <param name="key">The entry's key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False: not readable, a miss.</returns>
    bool TryRead(JsonElement members, string key, [NotNullWhen(true)] out T? value);
}
