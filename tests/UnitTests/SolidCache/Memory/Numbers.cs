namespace UnitTests.SolidCache.Memory;

/// <summary>Numbers that look random and are the same in each run (Knuth's MMIX).</summary>
internal sealed class Numbers(ulong seed)
{
    private ulong _state = seed;

    public int Next(int below)
    {
        _state = _state * 6364136223846793005 + 1442695040888963407;
        return (int)((_state >> 33) * (ulong)below >> 31);
    }
}
