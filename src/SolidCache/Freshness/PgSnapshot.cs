using System.Globalization;

namespace SolidCache.Freshness;

/// <summary>A <c>pg_snapshot</c>: which transactions had ended, and so were visible, at one moment.</summary>
internal sealed class PgSnapshot
{
    /// <summary>Sees nothing: whoever has applied this has applied nothing.</summary>
    public static readonly PgSnapshot Nothing = Parse("1:1:");

    private readonly ulong _xmin;
    private readonly ulong _xmax;
    private readonly ulong[] _running;

    private PgSnapshot(string text, ulong xmin, ulong xmax, ulong[] running) => (Text, _xmin, _xmax, _running) = (text, xmin, xmax, running);

    /// <summary>As PostgreSQL writes it: <c>xmin:xmax:xid,xid,…</c>.</summary>
    public string Text { get; }

    /// <summary>Every transaction before this one had ended.</summary>
    public ulong Xmin => _xmin;

    /// <summary>No transaction from this one on was visible.</summary>
    public ulong Xmax => _xmax;

    /// <exception cref="FormatException">Not a snapshot.</exception>
    public static PgSnapshot Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length != 3) throw new FormatException($"'{text}' is not a snapshot.");
        var running = parts[2].Length == 0 ? [] : Array.ConvertAll(parts[2].Split(','), Number);
        return new PgSnapshot(text, Number(parts[0]), Number(parts[1]), running);
    }

    public bool Sees(ulong xid) => xid < _xmin || (xid < _xmax && Array.BinarySearch(_running, xid) < 0);

    /// <summary>Whether it was taken before another one was: of one server a later one never ends earlier.</summary>
    public bool IsBefore(PgSnapshot other) => _xmax < other._xmax;

    private static ulong Number(string text) => ulong.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
