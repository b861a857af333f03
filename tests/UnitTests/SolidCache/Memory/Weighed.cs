using SolidCache.Memory;

namespace UnitTests.SolidCache.Memory;

/// <summary>An entry that holds nothing and weighs what the test says.</summary>
internal sealed class Weighed(string key, long bytes) : MemoryEntry(key, bytes);
