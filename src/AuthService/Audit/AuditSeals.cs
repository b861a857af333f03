using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using AuthService.Tokens;
using Npgsql;

namespace AuthService.Audit;

/// <summary>An event as it is stored.</summary>
/// <param name="Ts">As PostgreSQL keeps it: whole microseconds.</param>
/// <param name="Texts">The columns that are text, or are read as text, in the order of <see cref="AuditSeals.Read"/>.</param>
/// <param name="Xid">The transaction that wrote it.</param>
internal sealed record StoredEvent(Guid Id, DateTimeOffset Ts, long? ActorId, Guid? SessionId, string?[] Texts, string Xid);

/// <summary>
/// What seals are made of. Problem: an event that somebody changes, removes or slips in later must be noticed, by whoever has the master key and also against one who
/// rules the database. Idea: each event's digest goes into a chain of MACs, in an order that nothing can get into afterwards.
/// <para>digest = SHA-256(1 | id | ts | actor_id | session_id | texts | xid), each with its length, null told from empty;
/// hash(n) = HMAC-SHA-256(K, hash(n-1) | n | id | ts | sealed_at | digest), hash(0) empty. Chain and event can be checked apart, so it is told which of them is wrong,
/// and an event that was let go leaves a chain that holds.</para>
/// <para>The end is a MAC under another key: whoever cuts seals off finds the hash to end with in the row before, but no MAC for it.</para>
/// </summary>
internal sealed class AuditSeals(MasterKey masterKey)
{
    public const int HashLength = 32;

    private const byte Form = 1;   // a column more is appended where it isn't null, and leaves what was sealed without it as it is

    private readonly byte[] _chainKey = masterKey.Derive("audit-chain/1");
    private readonly byte[] _headKey = masterKey.Derive("audit-head/1");
    private readonly byte[] _firstKey = masterKey.Derive("audit-first/1");

    /// <param name="from">Ordinal of <c>id</c>; the others follow in the order of <c>SealEvents.find_unsealed</c>.</param>
    public static StoredEvent Read(NpgsqlDataReader row, int from)
    {
        var texts = new string?[11];
        // type, actor_type, target_type, target_id, outcome, reason, diff, ip, user_agent, request_id, trace_id
        texts[0] = Text(from + 2);
        texts[1] = Text(from + 3);
        for (var i = 2; i < texts.Length; i++) texts[i] = Text(from + 4 + i);
        return new StoredEvent(
            row.GetGuid(from), row.GetFieldValue<DateTimeOffset>(from + 1), row.IsDBNull(from + 4) ? null : row.GetInt64(from + 4),
            row.IsDBNull(from + 5) ? null : row.GetGuid(from + 5), texts, row.GetString(from + 15));

        string? Text(int ordinal) => row.IsDBNull(ordinal) ? null : row.GetString(ordinal);
    }

    public static byte[] DigestOf(StoredEvent stored)
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        bytes.Write([Form]);
        Append(bytes, stored.Id);
        Append(bytes, Microseconds(stored.Ts));
        if (stored.ActorId is { } actor) Append(bytes, actor);
        else AppendNull(bytes);
        if (stored.SessionId is { } session) Append(bytes, session);
        else AppendNull(bytes);
        foreach (var text in stored.Texts) Append(bytes, text);
        Append(bytes, stored.Xid);
        return SHA256.HashData(bytes.WrittenSpan);
    }

    public byte[] Link(ReadOnlySpan<byte> before, long number, Guid eventId, DateTimeOffset eventTs, DateTimeOffset sealedAt, ReadOnlySpan<byte> digest)
    {
        var bytes = new ArrayBufferWriter<byte>(128);
        bytes.Write(before);
        Append(bytes, number);
        Append(bytes, eventId);
        Append(bytes, Microseconds(eventTs));
        Append(bytes, Microseconds(sealedAt));
        bytes.Write(digest);
        return HMACSHA256.HashData(_chainKey, bytes.WrittenSpan);
    }

    /// <summary>Of the chain's end.</summary>
    public byte[] MacOfHead(long number, ReadOnlySpan<byte> hash)
    {
        var bytes = new ArrayBufferWriter<byte>(64);
        Append(bytes, number);
        bytes.Write(hash);
        return HMACSHA256.HashData(_headKey, bytes.WrittenSpan);
    }

    /// <summary>Of the chain's beginning, where older events were let go.</summary>
    public byte[] MacOfFirst(long number, ReadOnlySpan<byte> hash, DateTimeOffset keptSince)
    {
        var bytes = new ArrayBufferWriter<byte>(64);
        Append(bytes, number);
        Append(bytes, Microseconds(keptSince));
        bytes.Write(hash);
        return HMACSHA256.HashData(_firstKey, bytes.WrittenSpan);
    }

    private static long Microseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    private static void Append(ArrayBufferWriter<byte> bytes, Guid value)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(4), 16);
        bytes.Advance(4);
        value.TryWriteBytes(bytes.GetSpan(16), bigEndian: true, out _);
        bytes.Advance(16);
    }

    private static void Append(ArrayBufferWriter<byte> bytes, long value)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(4), 8);
        bytes.Advance(4);
        BinaryPrimitives.WriteInt64BigEndian(bytes.GetSpan(8), value);
        bytes.Advance(8);
    }

    private static void Append(ArrayBufferWriter<byte> bytes, string? text)
    {
        if (text is null)
        {
            AppendNull(bytes);
            return;
        }

        var length = Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(4), length);
        bytes.Advance(4);
        Encoding.UTF8.GetBytes(text, bytes.GetSpan(length));
        bytes.Advance(length);
    }

    private static void AppendNull(ArrayBufferWriter<byte> bytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(4), -1);
        bytes.Advance(4);
    }
}
