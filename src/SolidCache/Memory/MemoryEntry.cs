namespace SolidCache.Memory;

internal abstract class MemoryEntry(string key, long bytes)
{
    public string Key { get; } = key;
    public long Bytes { get; } = bytes;
}
