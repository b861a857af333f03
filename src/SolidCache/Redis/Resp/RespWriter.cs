using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace SolidCache.Redis.Resp;

/// <summary>A command is an array of bulk strings.</summary>
internal readonly struct RespWriter(IBufferWriter<byte> output)
{
    private const int LongestHeader = 24;   // a letter, the digits of a long, CR LF; and CR LF after the content

    /// <param name="encoded">Written as it is.</param>
    public void Write(ReadOnlySpan<byte> encoded) => output.Write(encoded);

    public void WriteArrayHeader(int count)
    {
        var span = output.GetSpan(LongestHeader);
        output.Advance(Header(span, (byte)'*', count));
    }

    public void WriteBulk(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var span = output.GetSpan(LongestHeader + length);
        var at = Header(span, (byte)'$', length);
        at += Encoding.UTF8.GetBytes(text, span[at..]);
        "\r\n"u8.CopyTo(span[at..]);
        output.Advance(at + 2);
    }

    public void WriteBulk(ReadOnlySpan<byte> bytes)
    {
        var span = output.GetSpan(LongestHeader);
        output.Advance(Header(span, (byte)'$', bytes.Length));
        output.Write(bytes);
        output.Write("\r\n"u8);
    }

    public void WriteBulk(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        WriteBulk(digits[..length]);
    }

    private static int Header(Span<byte> span, byte type, int length)
    {
        span[0] = type;
        Utf8Formatter.TryFormat(length, span[1..], out var digits);
        "\r\n"u8.CopyTo(span[(digits + 1)..]);
        return digits + 3;
    }
}
