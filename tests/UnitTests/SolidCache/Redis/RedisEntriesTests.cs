using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SolidCache.Redis;

namespace UnitTests.SolidCache.Redis;

/// <summary>Both forms in which entries stand in Redis: what was written comes back, and what is not exactly that does not.</summary>
public class RedisEntriesTests
{
    private const string Key = "permissions:user:42";
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("a secret of this installation, 32+");
    private static readonly Names Form = new();
    private static readonly DateTime Now = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
    private static readonly DateTime Later = Now.AddMinutes(5);

    [Fact]
    public void Bytes_come_back_as_they_were_written() => Prop.ForAll(Facts(), ArbMap.Default.ArbFor<byte[]>(), (facts, payload) =>
    {
        var bytes = BinaryEntry.Write(Key, facts, payload, Secret);
        Assert.Equal(Verdict.Good, BinaryEntry.Read(Key, bytes, Secret, out var read, out var readPayload));
        AssertSame(facts, read);
        Assert.Equal(payload, readPayload);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Objects_come_back_as_they_were_written() => Prop.ForAll(Facts(), ArbMap.Default.ArbFor<NonNull<string>[]>(), (facts, texts) =>
    {
        var value = texts.Select(t => t.Get).Where(t => !t.Any(char.IsSurrogate)).ToArray();
        var bytes = ReadableEntry.Write(Key, facts, 1, Form, value, Secret);
        Assert.Equal(Verdict.Good, ReadableEntry.Read(Key, bytes, 1, Form, Secret, out var read, out var readValue));
        AssertSame(facts, read);
        Assert.Equal(value, readValue);
    }).QuickCheckThrowOnFailure();

    // Leave any part out of the MAC (the key, the stamps, the last byte) and some of these are read.
    [Fact]
    public void Not_a_byte_of_them_can_be_changed()
    {
        var facts = new EntryFacts(Guid.NewGuid(), 77, Now, Later, [1, -2], [3, 4]);
        foreach (var (bytes, read) in new (byte[], Func<byte[], Verdict>)[]
        {
            (BinaryEntry.Write(Key, facts, "payload"u8, Secret), b => BinaryEntry.Read(Key, b, Secret, out _, out _)),
            (ReadableEntry.Write(Key, facts, 1, Form, ["a", "b"], Secret), b => ReadableEntry.Read(Key, b, 1, Form, Secret, out _, out _)),
        })
        {
            Assert.Equal(Verdict.Good, read(bytes));
            for (var i = 0; i < bytes.Length; i++)
            {
                for (var bit = 0; bit < 8; bit++)
                {
                    bytes[i] ^= (byte)(1 << bit);
                    Assert.NotEqual(Verdict.Good, read(bytes));
                    bytes[i] ^= (byte)(1 << bit);
                }

                Assert.NotEqual(Verdict.Good, read(bytes[..i]));
            }

            Assert.NotEqual(Verdict.Good, read([.. bytes, 0]));
        }
    }

    [Fact]
    public void They_are_good_under_their_own_key_and_secret_alone()
    {
        var facts = new EntryFacts(Guid.NewGuid(), 77, Now, Later, [1], [2]);
        var (binary, readable) = (BinaryEntry.Write(Key, facts, "payload"u8, Secret), ReadableEntry.Write(Key, facts, 1, Form, ["a"], Secret));
        byte[] other = [.. Secret, 1];
        Assert.Equal(Verdict.Forged, BinaryEntry.Read("permissions:user:43", binary, Secret, out _, out _));
        Assert.Equal(Verdict.Forged, ReadableEntry.Read("permissions:user:43", readable, 1, Form, Secret, out _, out _));
        Assert.Equal(Verdict.Forged, BinaryEntry.Read(Key, binary, other, out _, out _));
        Assert.Equal(Verdict.Forged, ReadableEntry.Read(Key, readable, 1, Form, other, out _, out _));
    }

    [Fact]
    public void Another_form_is_a_miss_and_no_alarm()
    {
        var facts = new EntryFacts(Guid.NewGuid(), 77, Now, Later, [1], [2]);
        Assert.Equal(Verdict.Foreign, ReadableEntry.Read(Key, ReadableEntry.Write(Key, facts, 1, Form, ["a"], Secret), 2, Form, Secret, out _, out _));
        Assert.Equal(Verdict.Foreign, BinaryEntry.Read(Key, "anybody's value, and long enough to be one of ours by its length alone, or so it may seem"u8, Secret, out _, out _));
        Assert.Equal(Verdict.Foreign, ReadableEntry.Read(Key, "OK"u8.ToArray(), 1, Form, Secret, out _, out _));
    }

    // Without the MAC any bytes reach the parsers: they may refuse, not throw.
    [Fact]
    public void Random_bytes_never_throw() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), tail =>
    {
        foreach (var head in new[] { "", "SC\u0001", "{", "{\"v\":1", "{\"v\":1,\"stamps\":{\"zz\":1}}" })
        {
            byte[] bytes = [.. Encoding.UTF8.GetBytes(head), .. tail];
            _ = BinaryEntry.Read(Key, bytes, secret: null, out _, out _);
            _ = ReadableEntry.Read(Key, bytes, 1, Form, secret: null, out _, out _);
        }
    }).QuickCheckThrowOnFailure();

    // What redis-cli shows: members of the cache around those of the value, the MAC last.
    [Fact]
    public void An_object_is_plain_JSON()
    {
        var facts = new EntryFacts(Guid.Parse("0d2c8f3e-0000-4000-8000-000000000000"), 77, DateTime.UnixEpoch, DateTime.UnixEpoch.AddSeconds(5), [0x1f, -1], [3, 4]);
        using var json = JsonDocument.Parse(ReadableEntry.Write(Key, facts, 1, Form, ["a"], Secret));
        Assert.Equal(["v", "epoch", "xmin", "as_of", "expires_at", "names", "stamps", "mac"], json.RootElement.EnumerateObject().Select(m => m.Name));
        Assert.Equal(3, json.RootElement.GetProperty("stamps").GetProperty("000000000000001f").GetInt64());
        Assert.Equal(4, json.RootElement.GetProperty("stamps").GetProperty("ffffffffffffffff").GetInt64());
    }

    private static Arbitrary<EntryFacts> Facts() => (
        from epoch in ArbMap.Default.GeneratorFor<Guid>()
        from xmin in ArbMap.Default.GeneratorFor<ulong>()
        from asOf in ArbMap.Default.GeneratorFor<DateTime>()
        from expiresAt in ArbMap.Default.GeneratorFor<DateTime>()
        from tags in ArbMap.Default.GeneratorFor<long[]>()
        from offset in ArbMap.Default.GeneratorFor<long>()
        let distinct = tags.Distinct().ToArray()
        select new EntryFacts(
            epoch, xmin, DateTime.SpecifyKind(asOf, DateTimeKind.Utc), DateTime.SpecifyKind(expiresAt, DateTimeKind.Utc), distinct, Array.ConvertAll(distinct, tag => unchecked(tag + offset)))).ToArbitrary();

    private static void AssertSame(EntryFacts written, EntryFacts? read)
    {
        Assert.NotNull(read);
        Assert.Equal((written.Epoch, written.Xmin, written.AsOf, written.ExpiresAt), (read.Epoch, read.Xmin, read.AsOf, read.ExpiresAt));
        Assert.Equal(written.TagHashes, read.TagHashes);
        Assert.Equal(written.Stamps, read.Stamps);
    }

    private sealed class Names : IReadableEntry<string[]>
    {
        public void Write(Utf8JsonWriter json, string key, string[] value)
        {
            json.WriteStartArray("names");
            foreach (var name in value) json.WriteStringValue(name);
            json.WriteEndArray();
        }

        public bool TryRead(JsonElement members, string key, [NotNullWhen(true)] out string[]? value)
        {
            value = [.. members.GetProperty("names").EnumerateArray().Select(n => n.GetString()!)];
            return true;
        }
    }
}
