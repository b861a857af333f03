using System.Globalization;
using System.Text;

namespace SolidCache.Redis.Resp;

/// <summary>The types of RESP3, without attributes: those are read and dropped, since no command used here has any.</summary>
public enum RespType
{
    /// <summary>Nothing; also RESP2's bulk string or array of length -1.</summary>
    Null,

    /// <summary>A short text without line breaks, such as <c>OK</c>.</summary>
    SimpleString,

    /// <summary>Any bytes.</summary>
    BulkString,

    /// <summary>Text that says what it is: three letters, a colon, the text.</summary>
    VerbatimString,

    /// <summary>64 bits, signed.</summary>
    Integer,

    /// <summary>Also infinite, or not a number.</summary>
    Double,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>An integer of any length, as its digits.</summary>
    BigNumber,

    /// <summary>The command is refused.</summary>
    Error,

    /// <summary>The command is refused, in a text that may have line breaks.</summary>
    BlobError,

    /// <summary>Values in order.</summary>
    Array,

    /// <summary>Keys and values in turn.</summary>
    Map,

    /// <summary>Values in no order.</summary>
    Set,

    /// <summary>Not a reply: what the server says unasked.</summary>
    Push,
}

/// <summary>One reply, whole.</summary>
public readonly struct RespValue
{
    private readonly long _number;
    private readonly object? _content;

    private RespValue(RespType type, long number, object? content) => (Type, _number, _content) = (type, number, content);

    /// <summary>What it is.</summary>
    public RespType Type { get; }

    /// <summary>Whether it is nothing at all.</summary>
    public bool IsNull => Type == RespType.Null;

    /// <summary>Whether the command was refused.</summary>
    public bool IsError => Type is RespType.Error or RespType.BlobError;

    /// <summary>The bytes of a string, an error or a big number; empty for all else.</summary>
    public ReadOnlyMemory<byte> Bytes => _content as byte[];

    /// <summary>What an array, set or push holds; of a map keys and values in turn; empty for all else.</summary>
    public ReadOnlyMemory<RespValue> Items => _content as RespValue[];

    /// <summary>Strings and numbers as text; null for a null and for what holds other values.</summary>
    public string? AsText() => Type switch
    {
        RespType.Integer => _number.ToString(CultureInfo.InvariantCulture),
        RespType.Double => AsDouble().ToString("R", CultureInfo.InvariantCulture),
        RespType.Boolean => _number == 0 ? "false" : "true",
        _ when _content is byte[] bytes => Encoding.UTF8.GetString(bytes),
        _ => null,
    };

    /// <summary>An integer, also where it comes as text.</summary>
    /// <exception cref="InvalidOperationException">It is no integer.</exception>
    public long AsInteger()
    {
        if (Type == RespType.Integer) return _number;
        if (_content is byte[] bytes && long.TryParse(bytes, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        throw new InvalidOperationException("The reply is no integer but of type " + Type + ".");
    }

    /// <summary>A double, or an integer as one.</summary>
    /// <exception cref="InvalidOperationException">It is neither.</exception>
    public double AsDouble() => Type switch
    {
        RespType.Double => BitConverter.Int64BitsToDouble(_number),
        RespType.Integer => _number,
        _ => throw new InvalidOperationException("The reply is no number but of type " + Type + "."),
    };

    /// <summary>A boolean, or whether an integer is other than 0.</summary>
    /// <exception cref="InvalidOperationException">It is neither.</exception>
    public bool AsBoolean() => Type is RespType.Boolean or RespType.Integer ? _number != 0 : throw new InvalidOperationException("The reply is no boolean but of type " + Type + ".");

    /// <summary>The bytes themselves, not a copy: for whoever the reply is for.</summary>
    internal byte[]? Content => _content as byte[];

    internal static RespValue Of(long integer) => new(RespType.Integer, integer, null);

    internal static RespValue Of(double number) => new(RespType.Double, BitConverter.DoubleToInt64Bits(number), null);

    internal static RespValue Of(bool truth) => new(RespType.Boolean, truth ? 1 : 0, null);

    /// <param name="type">A string, an error or a big number.</param>
    internal static RespValue Of(RespType type, byte[] bytes) => new(type, 0, bytes);

    /// <param name="type">An array, map, set or push.</param>
    internal static RespValue Of(RespType type, RespValue[] items) => new(type, 0, items);
}
