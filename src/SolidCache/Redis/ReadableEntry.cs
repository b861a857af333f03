using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;

namespace SolidCache.Redis;

/// <summary>
/// An entry as a JSON object: <c>{"v":1,"epoch":…,"xmin":…,"as_of":…,"expires_at":…, the value's own members, "stamps":{…},"mac":"…"}</c>. A stamp stands
/// under the 16 hexadecimal digits of its tag's hash. The MAC is the last member and is over every byte before it.
/// </summary>
internal static class ReadableEntry
{
    private const int MacChars = 22;   // base64url of 16 bytes
    private static readonly byte[] BeforeMac = ",\"mac\":\""u8.ToArray();
    private static readonly byte[] AfterMac = "\"}"u8.ToArray();
    private static readonly int TailLength = BeforeMac.Length + MacChars + AfterMac.Length;

    public static byte[] Write<T>(string key, EntryFacts facts, int version, IReadableEntry<T> form, T value, byte[] secret)
    {
        var target = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(target))
        {
            json.WriteStartObject();
            json.WriteNumber("v"u8, version);
            json.WriteString("epoch"u8, facts.Epoch);
            json.WriteNumber("xmin"u8, facts.Xmin);
            json.WriteString("as_of"u8, facts.AsOf);
            json.WriteString("expires_at"u8, facts.ExpiresAt);
            form.Write(json, key, value);
            json.WriteStartObject("stamps"u8);
            for (var i = 0; i < facts.TagHashes.Length; i++) json.WriteNumber(string.Create(CultureInfo.InvariantCulture, $"{facts.TagHashes[i]:x16}"), facts.Stamps[i]);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        // Up to the brace that ends the object: the MAC goes in before it.
        var content = target.WrittenSpan[..^1];
        Span<byte> mac = stackalloc byte[EntryMac.Length];
        EntryMac.Write(secret, key, content, mac);
        var bytes = new byte[content.Length + TailLength];
        content.CopyTo(bytes);
        BeforeMac.CopyTo(bytes.AsSpan(content.Length));
        Base64Url.EncodeToUtf8(mac, bytes.AsSpan(content.Length + BeforeMac.Length));
        AfterMac.CopyTo(bytes.AsSpan(bytes.Length - AfterMac.Length));
        return bytes;
    }

    public static Verdict Read<T>(string key, ReadOnlyMemory<byte> bytes, int version, IReadableEntry<T> form, byte[]? secret, out EntryFacts? facts, out T? value)
    {
        T? read = default;
        var verdict = Read(key, bytes, secret, members => members.GetProperty("v"u8).GetInt32() == version && form.TryRead(members, key, out read), out facts);
        value = read;
        return verdict;
    }

    /// <param name="also">What else has to be readable.</param>
    public static Verdict Read(string key, ReadOnlyMemory<byte> bytes, byte[]? secret, Func<JsonElement, bool> also, out EntryFacts? facts)
    {
        facts = null;
        if (bytes.Length == 0 || bytes.Span[0] != '{') return Verdict.Foreign;
        if (secret is not null && !HasRightMac(key, bytes.Span, secret)) return Verdict.Forged;
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var members = document.RootElement;
            if (!also(members)) return Verdict.Foreign;
            var (tags, stamps) = (new List<long>(), new List<long>());
            foreach (var stamp in members.GetProperty("stamps"u8).EnumerateObject())
            {
                tags.Add(unchecked((long)ulong.Parse(stamp.Name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)));
                stamps.Add(stamp.Value.GetInt64());
            }

            facts = new EntryFacts(
                members.GetProperty("epoch"u8).GetGuid(), members.GetProperty("xmin"u8).GetUInt64(),
                members.GetProperty("as_of"u8).GetDateTime().ToUniversalTime(), members.GetProperty("expires_at"u8).GetDateTime().ToUniversalTime(), [.. tags], [.. stamps]);
            return Verdict.Good;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            // With the right MAC: written by another version of the value's form.
            return Verdict.Foreign;
        }
    }

    private static bool HasRightMac(string key, ReadOnlySpan<byte> bytes, byte[] secret)
    {
        if (bytes.Length <= TailLength) return false;
        var content = bytes[..^TailLength];
        var tail = bytes[^TailLength..];
        if (!tail.StartsWith(BeforeMac) || !tail.EndsWith(AfterMac)) return false;
        Span<byte> mac = stackalloc byte[EntryMac.Length + 2];
        return Base64Url.DecodeFromUtf8(tail.Slice(BeforeMac.Length, MacChars), mac, out _, out var written) == OperationStatus.Done && written == EntryMac.Length
            && EntryMac.IsRight(secret, key, content, mac[..EntryMac.Length]);
    }
}
