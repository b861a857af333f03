using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>A file of records, written by one loop. What a killed process had not flushed is lost; a cut record at the end is left out.</summary>
internal sealed class Records<T>(string path) : IDisposable where T : unmanaged
{
    private readonly FileStream _file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read, 1 << 16);
    private readonly Lock _lock = new();

    public void Add(T record)
    {
        lock (_lock) _file.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in record)));
    }

    public void Flush()
    {
        lock (_lock) _file.Flush();
    }

    public void Dispose() => _file.Dispose();

    public static IEnumerable<T> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1 << 16);
        var bytes = new byte[Unsafe.SizeOf<T>()];
        while (file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length) yield return MemoryMarshal.Read<T>(bytes);
    }
}
