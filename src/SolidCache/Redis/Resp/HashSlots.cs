using System.Text;

namespace SolidCache.Redis.Resp;

/// <summary>Which of the 16,384 slots of a cluster a key is in: CRC-16 (XMODEM) of the key, or of what stands in its first braces.</summary>
/// <remarks>https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec, "Hash tags".</remarks>
internal static class HashSlots
{
    public const int Count = 16_384;

    private static readonly ushort[] Table = MakeTable();

    public static int Of(string key)
    {
        var length = Encoding.UTF8.GetByteCount(key);
        Span<byte> bytes = length <= 1024 ? stackalloc byte[length] : new byte[length];
        Encoding.UTF8.GetBytes(key, bytes);
        var hashed = HashedPart(bytes);
        ushort crc = 0;
        foreach (var b in hashed) crc = (ushort)((crc << 8) ^ Table[((crc >> 8) ^ b) & 0xff]);
        return crc % Count;
    }

    private static ReadOnlySpan<byte> HashedPart(ReadOnlySpan<byte> key)
    {
        var open = key.IndexOf((byte)'{');
        if (open < 0) return key;
        var length = key[(open + 1)..].IndexOf((byte)'}');
        return length > 0 ? key.Slice(open + 1, length) : key;
    }

    private static ushort[] MakeTable()
    {
        var table = new ushort[256];
        for (var i = 0; i < table.Length; i++)
        {
            var crc = i << 8;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
            table[i] = (ushort)crc;
        }

        return table;
    }
}
