using System.Collections.Frozen;
using System.Text.Json;

namespace AuthService.Tokens;

/// <summary>The keys as of one moment. Never changes; a newer one takes its place.</summary>
internal sealed class SigningKeySnapshot
{
    private readonly FrozenDictionary<string, Es256Key>.AlternateLookup<ReadOnlySpan<char>> _byHeader;

    /// <param name="keys">All keys in use, exactly one of them active.</param>
    /// <exception cref="InvalidOperationException">None or several are active.</exception>
    public SigningKeySnapshot(IReadOnlyList<SigningKey> keys)
    {
        var active = keys.Where(key => key.State == SigningKeyState.Active).ToArray();
        if (active.Length != 1) throw new InvalidOperationException($"There must be one active signing key; there are {active.Length}.");
        Keys = keys;
        Active = active[0];
        Jwks = WriteJwks(keys);
        _byHeader = keys.ToFrozenDictionary(key => key.Key.HeaderSegment, key => key.Key, StringComparer.Ordinal)
            .GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public IReadOnlyList<SigningKey> Keys { get; }

    public SigningKey Active { get; }

    /// <summary>RFC 7517 key set as UTF-8 JSON: next, active and retiring keys, public members only.</summary>
    public ReadOnlyMemory<byte> Jwks { get; }

    /// <summary>The key that signs under this header, or null. The header is compared as text: there is nothing to interpret.</summary>
    public Es256Key? Find(ReadOnlySpan<char> headerSegment) => _byHeader.TryGetValue(headerSegment, out var key) ? key : null;

    private static byte[] WriteJwks(IReadOnlyList<SigningKey> keys)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteStartArray("keys");
            foreach (var key in keys) key.Key.WritePublicJwk(json);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }
}
