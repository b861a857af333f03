using System.Buffers;
using System.Buffers.Text;

namespace SolidCache.Redis.Resp;

/// <summary>How much one reply may be. Beyond it the server is taken for broken.</summary>
internal sealed record RespLimits
{
    public int BulkBytes { get; init; } = 64 << 20;

    /// <summary>A line is a simple string, an error, a number or a length.</summary>
    public int LineBytes { get; init; } = 64 << 10;

    /// <summary>Values within values, all of one reply together.</summary>
    public int Items { get; init; } = 1 << 20;

    public int ReplyBytes { get; init; } = 256 << 20;

    public int Depth { get; init; } = 16;
}

/// <summary>
/// Replies out of a stream of bytes that comes in pieces of any size. It consumes what it has understood, so a reply of many pieces is
/// looked at once, and what it allocates follows what has arrived, never what a length promises.
/// </summary>
/// <remarks>https://redis.io/docs/latest/develop/reference/protocol-spec. After a <see cref="RespException"/> it is of no use any more.</remarks>
internal sealed class RespReader(RespLimits limits)
{
    private const int FirstItems = 16;
    private const int FirstBulkBytes = 64 << 10;

    private static readonly byte[] Ok = "OK"u8.ToArray();   // the reply of nearly every write: not allocated each time
    private static readonly SearchValues<byte> OfDoubles = SearchValues.Create("0123456789+-.eE"u8);

    private readonly OpenReply[] _open = new OpenReply[limits.Depth];
    private int _depth;
    private int _items;
    private long _bytes;

    // A bulk string under way; no length means none.
    private RespType _bulkType;
    private byte[] _bulk = [];
    private int _bulkLength = -1;
    private int _bulkFilled;

    /// <returns>False: the reply isn't complete; everything there is has been consumed but for a line that lacks its end.</returns>
    /// <exception cref="RespException">What came is no reply.</exception>
    public bool TryRead(ref SequenceReader<byte> input, out RespValue reply)
    {
        while (true)
        {
            if (_bulkLength >= 0)
            {
                if (!TryFillBulk(ref input, out reply)) return false;
            }
            else
            {
                if (!TryReadLine(ref input, out var type, out var line))
                {
                    reply = default;
                    return false;
                }

                if (!Begin(type, line, out reply)) continue;
            }

            if (!IsWhole(ref reply)) continue;
            (_items, _bytes) = (0, 0);
            return true;
        }
    }

    private bool TryReadLine(ref SequenceReader<byte> input, out byte type, out ReadOnlySpan<byte> line)
    {
        if (!input.TryPeek(out type))
        {
            line = default;
            return false;
        }

        // Before the line's end, which may never come.
        if (!"_+$=:,#(-!*%~>|"u8.Contains(type)) throw new RespException("A reply of an unknown type.");
        var end = input.UnreadSpan.IndexOf((byte)'\n');
        if (end >= 0)
        {
            line = input.UnreadSpan[..end];
            input.Advance(end + 1);
        }
        else if (!input.TryReadTo(out line, (byte)'\n'))
        {
            if (input.Remaining > limits.LineBytes) throw new RespException("A line without end.");
            return false;
        }

        if (line.Length > limits.LineBytes) throw new RespException("A line that is too long.");
        if (line[^1] != '\r') throw new RespException("A line that doesn't end with CR LF.");
        Count(line.Length);
        line = line[1..^1];
        if (line.Contains((byte)'\r')) throw new RespException("A CR within a line.");
        return true;
    }

    /// <returns>False: more belongs to it.</returns>
    private bool Begin(byte type, ReadOnlySpan<byte> line, out RespValue value)
    {
        value = default;
        switch (type)
        {
            case (byte)'$': return BeginBulk(RespType.BulkString, line, mayBeNull: true);
            case (byte)'!': return BeginBulk(RespType.BlobError, line, mayBeNull: false);
            case (byte)'=': return BeginBulk(RespType.VerbatimString, line, mayBeNull: false);
            case (byte)'*': return BeginItems(RespType.Array, line, 1, out value);
            case (byte)'%': return BeginItems(RespType.Map, line, 2, out value);
            case (byte)'~': return BeginItems(RespType.Set, line, 1, out value);
            case (byte)'>': return BeginItems(RespType.Push, line, 1, out value);
            case (byte)'|': return BeginItems(null, line, 2, out value);
            case (byte)'+': value = RespValue.Of(RespType.SimpleString, line.SequenceEqual("OK"u8) ? Ok : line.ToArray()); break;
            case (byte)'-': value = RespValue.Of(RespType.Error, line.ToArray()); break;
            case (byte)':': value = RespValue.Of(Integer(line)); break;
            case (byte)',': value = RespValue.Of(Double(line)); break;
            case (byte)'#': value = RespValue.Of(line is [(byte)'t'] || (line is [(byte)'f'] ? false : throw new RespException("A boolean that is neither t nor f."))); break;
            case (byte)'(': value = RespValue.Of(RespType.BigNumber, BigNumber(line)); break;
            default:
                if (!line.IsEmpty) throw new RespException("A null with content.");
                break;
        }

        return true;
    }

    /// <returns>True: it is a null.</returns>
    private bool BeginBulk(RespType type, ReadOnlySpan<byte> line, bool mayBeNull)
    {
        if (mayBeNull && line.SequenceEqual("-1"u8)) return true;
        var length = Length(line, limits.BulkBytes);
        if (type == RespType.VerbatimString && length < 4) throw new RespException("A verbatim string without its kind.");
        Count(length);
        (_bulkType, _bulkLength, _bulkFilled, _bulk) = (type, length, 0, []);
        return false;
    }

    private bool TryFillBulk(ref SequenceReader<byte> input, out RespValue value)
    {
        value = default;
        var lacking = _bulkLength - _bulkFilled;
        if (lacking > 0)
        {
            var here = (int)Math.Min(lacking, input.Remaining);
            if (_bulk.Length - _bulkFilled < here || _bulk.Length == 0) Grow(here);
            input.TryCopyTo(_bulk.AsSpan(_bulkFilled, here));
            input.Advance(here);
            _bulkFilled += here;
            if (here < lacking) return false;
        }

        if (input.Remaining < 2) return false;
        if (!input.IsNext("\r\n"u8, advancePast: true)) throw new RespException("A string that is longer than it says.");
        if (_bulkType == RespType.VerbatimString && _bulk[3] != ':') throw new RespException("A verbatim string without its kind.");
        value = RespValue.Of(_bulkType, _bulk);
        (_bulkLength, _bulk) = (-1, []);
        return true;
    }

    private void Grow(int by)
    {
        var isAllHere = _bulkFilled + by == _bulkLength;
        var capacity = isAllHere ? _bulkLength : Math.Min(_bulkLength, Math.Max(FirstBulkBytes, 2 * (_bulkFilled + by)));
        if (_bulkFilled == 0) _bulk = GC.AllocateUninitializedArray<byte>(capacity);
        else Array.Resize(ref _bulk, capacity);
    }

    /// <param name="type">None for an attribute.</param>
    private bool BeginItems(RespType? type, ReadOnlySpan<byte> line, int perItem, out RespValue value)
    {
        value = default;
        if (type == RespType.Array && line.SequenceEqual("-1"u8)) return true;
        if (type == RespType.Push && _depth > 0) throw new RespException("A push within a reply.");
        var count = Length(line, limits.Items) * perItem;
        if ((_items += count) > limits.Items) throw new RespException("A reply of too many values.");
        if (count == 0)
        {
            if (type is not { } known) return false;
            value = RespValue.Of(known, Array.Empty<RespValue>());
            return true;
        }

        if (_depth == limits.Depth) throw new RespException("A reply that is nested too deeply.");
        _open[_depth++] = new OpenReply { Type = type, Count = count, Items = new RespValue[Math.Min(count, FirstItems)] };
        return false;
    }

    /// <summary>Puts a value where it belongs.</summary>
    /// <returns>True: nothing is open any more; the value is the whole reply.</returns>
    private bool IsWhole(ref RespValue value)
    {
        while (_depth > 0)
        {
            ref var innermost = ref _open[_depth - 1];
            if (innermost.Filled == innermost.Items.Length)
                Array.Resize(ref innermost.Items, (int)Math.Min(innermost.Count, 2L * innermost.Items.Length));
            innermost.Items[innermost.Filled++] = value;
            if (innermost.Filled < innermost.Count) return false;
            var (type, items) = (innermost.Type, innermost.Items);
            innermost = default;
            _depth--;
            if (type is not { } known) return false;   // an attribute; what it is about follows
            value = RespValue.Of(known, items);
        }

        return true;
    }

    private void Count(int bytes)
    {
        if ((_bytes += bytes) > limits.ReplyBytes) throw new RespException("A reply that is too large.");
    }

    private static int Length(ReadOnlySpan<byte> line, int limit)
    {
        if (line.IsEmpty || line.ContainsAnyExceptInRange((byte)'0', (byte)'9') || !Utf8Parser.TryParse(line, out int length, out var used) || used != line.Length)
            throw new RespException("A length that is no number.");
        return length <= limit ? length : throw new RespException("A length beyond the limit.");
    }

    private static long Integer(ReadOnlySpan<byte> line) =>
        Utf8Parser.TryParse(line, out long integer, out var used) && used == line.Length ? integer : throw new RespException("An integer that is none.");

    private static double Double(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual("inf"u8) || line.SequenceEqual("+inf"u8)) return double.PositiveInfinity;
        if (line.SequenceEqual("-inf"u8)) return double.NegativeInfinity;
        if (line.SequenceEqual("nan"u8) || line.SequenceEqual("-nan"u8)) return double.NaN;
        var isNumber = !line.ContainsAnyExcept(OfDoubles) & Utf8Parser.TryParse(line, out double number, out var used) && used == line.Length;
        return isNumber ? number : throw new RespException("A double that is none.");
    }

    private static byte[] BigNumber(ReadOnlySpan<byte> line)
    {
        var digits = line is [(byte)'-' or (byte)'+', ..] ? line[1..] : line;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) throw new RespException("A big number that is none.");
        return line.ToArray();
    }

    private struct OpenReply
    {
        public RespType? Type;
        public RespValue[] Items;
        public int Count;
        public int Filled;
    }
}
