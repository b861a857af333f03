using System.Buffers.Binary;

namespace SolidCache.Redis;

/// <summary>
/// An entry as bytes: <c>SC</c>, the form's version, the MAC of all that follows, epoch, xmin, two times in ticks, the number of tags, tags and
/// stamps, the payload. Big-endian.
/// </summary>
internal static class BinaryEntry
{
    private const byte FormVersion = 1;
    private const int MacAt = 3;
    private const int ContentAt = MacAt + EntryMac.Length;
    private const int TagsAt = ContentAt + 16 + 8 + 8 + 8 + 2;

    public static byte[] Write(string key, EntryFacts facts, ReadOnlySpan<byte> payload, byte[] secret)
    {
        var tags = facts.TagHashes.Length;
        var bytes = new byte[TagsAt + (16 * tags) + payload.Length];
        ((byte)'S', (byte)'C', FormVersion).CopyTo(bytes);
        facts.Epoch.TryWriteBytes(bytes.AsSpan(ContentAt));
        var rest = bytes.AsSpan(ContentAt + 16);
        BinaryPrimitives.WriteUInt64BigEndian(rest, facts.Xmin);
        BinaryPrimitives.WriteInt64BigEndian(rest[8..], facts.AsOf.Ticks);
        BinaryPrimitives.WriteInt64BigEndian(rest[16..], facts.ExpiresAt.Ticks);
        BinaryPrimitives.WriteUInt16BigEndian(rest[24..], checked((ushort)tags));
        rest = rest[26..];
        for (var i = 0; i < tags; i++, rest = rest[16..])
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, facts.TagHashes[i]);
            BinaryPrimitives.WriteInt64BigEndian(rest[8..], facts.Stamps[i]);
        }

        payload.CopyTo(rest);
        EntryMac.Write(secret, key, bytes.AsSpan(ContentAt), bytes.AsSpan(MacAt));
        return bytes;
    }

    public static Verdict Read(string key, ReadOnlySpan<byte> bytes, byte[]? secret, out EntryFacts? facts, out byte[] payload)
    {
        (facts, payload) = (null, []);
        if (bytes.Length < TagsAt || bytes[0] != 'S' || bytes[1] != 'C' || bytes[2] != FormVersion) return Verdict.Foreign;
        if (secret is not null && !EntryMac.IsRight(secret, key, bytes[ContentAt..], bytes[MacAt..ContentAt])) return Verdict.Forged;
        var rest = bytes[ContentAt..];
        var epoch = new Guid(rest[..16]);
        rest = rest[16..];
        var (xmin, asOf, expiresAt) = (
            BinaryPrimitives.ReadUInt64BigEndian(rest), BinaryPrimitives.ReadInt64BigEndian(rest[8..]), BinaryPrimitives.ReadInt64BigEndian(rest[16..]));
        var count = BinaryPrimitives.ReadUInt16BigEndian(rest[24..]);
        rest = rest[26..];
        if (rest.Length < 16 * count || !IsTime(asOf) || !IsTime(expiresAt)) return Verdict.Forged;
        var (tags, stamps) = (new long[count], new long[count]);
        for (var i = 0; i < count; i++, rest = rest[16..])
            (tags[i], stamps[i]) = (BinaryPrimitives.ReadInt64BigEndian(rest), BinaryPrimitives.ReadInt64BigEndian(rest[8..]));
        facts = new EntryFacts(epoch, xmin, new DateTime(asOf, DateTimeKind.Utc), new DateTime(expiresAt, DateTimeKind.Utc), tags, stamps);
        payload = rest.ToArray();
        return Verdict.Good;
    }

    private static bool IsTime(long ticks) => ticks >= DateTime.MinValue.Ticks && ticks <= DateTime.MaxValue.Ticks;

    private static void CopyTo(this (byte A, byte B, byte C) three, byte[] target) => (target[0], target[1], target[2]) = three;
}
