using System.Buffers;
using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using SolidCache.Redis.Resp;
#pragma warning disable RS0030 // A seeded Random: a run that fails can be run again.

namespace UnitTests.SolidCache.Redis.Resp;

/// <summary>Replies of every type, in pieces of any size; and bytes that are no replies at all.</summary>
public class RespReaderTests
{
    private static readonly RespLimits Limits = new() { BulkBytes = 1 << 16, LineBytes = 1 << 10, Items = 1 << 12, ReplyBytes = 1 << 20, Depth = 8 };

    // Keep nothing of a value under way, or take a half line for a whole one, and this fails.
    [Fact]
    public void Any_split_of_the_stream_gives_the_same_replies() => Prop.ForAll(Replies(), ArbMap.Default.ArbFor<NonEmptyArray<PositiveInt>>(), (replies, sizes) =>
    {
        var stream = Encoding.UTF8.GetBytes(string.Concat(replies.Select(r => r.Wire)));
        var read = Read(stream, sizes.Get.Select(s => s.Get));
        Assert.Equal(replies.Select(r => r.Shown), read);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    // Mutated replies: bytes changed, cut out, doubled, and spliced. More than a million over the run; whatever they are, they end as replies, as
    // "not whole yet" or as RespException, and never as anything else.
    [Fact]
    public void A_million_broken_streams_never_end_in_any_other_way()
    {
        var random = new System.Random(20_261_128);
        var samples = Enumerable.Range(0, 200).Select(i => Encoding.UTF8.GetBytes(Gen.Sample(Reply(3), i % 20 + 1, 1)[0].Wire)).Concat(
        [
            "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"u8.ToArray(),
            "$5\r\nvalue\r\n+OK\r\n_\r\n:42\r\n>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n-WRONGTYPE Operation against a key\r\n"u8.ToArray(),
        ]).ToArray();
        var (ended, refused) = (0, 0);
        for (var i = 0; i < 1_050_000; i++)
        {
            var bytes = Mutated(samples[random.Next(samples.Length)], samples[random.Next(samples.Length)], random);
            try
            {
                ended += ReadAll(bytes);
            }
            catch (RespException)
            {
                refused++;
            }
        }

        Assert.True(ended > 10_000 && refused > 100_000, $"{ended} replies, {refused} refusals: the mutations are too few or too many");
    }

    [Theory]
    [InlineData("?\r\n")]                    // no type
    [InlineData(":12x\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$3\r\nabcd\r\n")]           // longer than it says
    [InlineData("$99999999999\r\n")]
    [InlineData("*-2\r\n")]
    [InlineData("#x\r\n")]
    [InlineData("_x\r\n")]
    [InlineData("+a\rb\r\n")]
    [InlineData("+a\n")]                     // no CR
    [InlineData("=3\r\ntxt\r\n")]
    [InlineData("*1\r\n>1\r\n+x\r\n")]       // a push within a reply
    [InlineData("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n")]
    public void What_is_no_reply_is_refused(string wire) => Assert.Throws<RespException>(() => ReadAll(Encoding.UTF8.GetBytes(wire)));

    // A length is a promise: memory is taken when bytes have come, not when they are announced.
    [Fact]
    public void A_length_alone_takes_no_memory()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) ReadAll("$65000\r\nabc"u8.ToArray());
        var perReply = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
        Assert.InRange(perReply, 0, 70_000);
        before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) ReadAll("*4000\r\n"u8.ToArray());
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 100, 0, 4_000);
    }

    private static int ReadAll(byte[] bytes)
    {
        var (reader, count) = (new RespReader(Limits), 0);
        var input = new SequenceReader<byte>(new ReadOnlySequence<byte>(bytes));
        while (reader.TryRead(ref input, out _)) count++;
        return count;
    }

    private static List<string> Read(byte[] stream, IEnumerable<int> sizes)
    {
        var (reader, replies) = (new RespReader(Limits), new List<string>());
        var (rest, given) = (Array.Empty<byte>(), 0);
        using var size = Endless(sizes).GetEnumerator();
        while (given < stream.Length)
        {
            size.MoveNext();
            var piece = Math.Min(size.Current, stream.Length - given);
            byte[] buffer = [.. rest, .. stream.AsSpan(given, piece)];
            given += piece;
            var input = new SequenceReader<byte>(new ReadOnlySequence<byte>(buffer));
            while (reader.TryRead(ref input, out var reply)) replies.Add(Show(reply));
            rest = buffer[(int)input.Consumed..];
        }

        Assert.Empty(rest);
        return replies;
    }

    private static IEnumerable<int> Endless(IEnumerable<int> sizes)
    {
        while (true) foreach (var size in sizes) yield return size;
    }

    private static byte[] Mutated(byte[] sample, byte[] other, System.Random random)
    {
        var bytes = new List<byte>(sample);
        for (var changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(1, 4), bytes.Count - at)); break;
                case 2: bytes.InsertRange(at, other.AsSpan(0, random.Next(other.Length + 1))); break;
                case 3: bytes[at] = "_+$=:,#(-!*%~>|0123456789\r\n"u8[random.Next(27)]; break;
                default: bytes.RemoveRange(at, bytes.Count - at); break;
            }
        }

        return [.. bytes];
    }

    private static string Show(RespValue value) => value.Type switch
    {
        RespType.Null => "null",
        RespType.Integer => FormattableString.Invariant($"int {value.AsInteger()}"),
        RespType.Double => FormattableString.Invariant($"double {value.AsDouble():R}"),
        RespType.Boolean => FormattableString.Invariant($"bool {value.AsBoolean()}"),
        RespType.Array or RespType.Map or RespType.Set or RespType.Push => $"{value.Type}({string.Join(';', value.Items.ToArray().Select(Show))})",
        _ => $"{value.Type} {Encoding.UTF8.GetString(value.Bytes.Span)}",
    };

    private static Arbitrary<Sample[]> Replies() => Gen.NonEmptyListOf(Gen.Sized(size => Reply(Math.Min(size, 3)))).Select(list => list.ToArray()).ToArbitrary();

    private static Gen<Sample> Reply(int depth)
    {
        var text = ArbMap.Default.GeneratorFor<NonNull<string>>().Select(s => new string([.. s.Get.Where(c => !char.IsSurrogate(c))]));
        var line = text.Select(s => s.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal));
        Gen<Sample> Bulk(char type, RespType named, string before) => text.Select(s => before + s).Select(s => new Sample(
            string.Create(CultureInfo.InvariantCulture, $"{type}{Encoding.UTF8.GetByteCount(s)}\r\n{s}\r\n"), $"{named} {s}"));
        var leaves = Gen.OneOf(
            line.Select(s => new Sample($"+{s}\r\n", $"SimpleString {s}")), line.Select(s => new Sample($"-{s}\r\n", $"Error {s}")),
            ArbMap.Default.GeneratorFor<long>().Select(n => new Sample(FormattableString.Invariant($":{n}\r\n"), FormattableString.Invariant($"int {n}"))),
            Bulk('$', RespType.BulkString, ""), Bulk('!', RespType.BlobError, ""), Bulk('=', RespType.VerbatimString, "txt:"),
            Gen.Elements(new Sample("_\r\n", "null"), new Sample("$-1\r\n", "null"), new Sample("*-1\r\n", "null"), new Sample("#t\r\n", "bool True"), new Sample("#f\r\n", "bool False"),
                new Sample(",1.5\r\n", "double 1.5"), new Sample(",inf\r\n", "double Infinity"), new Sample("(123456789012345678901234567890\r\n", "BigNumber 123456789012345678901234567890")));
        if (depth == 0) return leaves;
        Gen<Sample> Many(char type, RespType named, int per) => Gen.Choose(0, 3).SelectMany(n => Gen.ArrayOf(Reply(depth - 1), n * per)).Select(items => new Sample(
            string.Create(CultureInfo.InvariantCulture, $"{type}{items.Length / per}\r\n{string.Concat(items.Select(i => i.Wire))}"), $"{named}({string.Join(';', items.Select(i => i.Shown))})"));
        var attribute = Gen.ArrayOf(Reply(0), 2).SelectMany(a => Reply(depth - 1).Select(about => about with { Wire = $"|1\r\n{a[0].Wire}{a[1].Wire}{about.Wire}" }));
        return Gen.OneOf(leaves, Many('*', RespType.Array, 1), Many('%', RespType.Map, 2), Many('~', RespType.Set, 1), attribute);
    }

    private sealed record Sample(string Wire, string Shown);
}
