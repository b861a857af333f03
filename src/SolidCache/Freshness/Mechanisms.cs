namespace SolidCache.Freshness;

/// <summary>The parts of the protocol. Each can be switched off by a test, which must then see a stale answer.</summary>
[Flags]
internal enum Mechanisms
{
    None = 0,
    Stamp = 1,
    Lease = 2,
    Registration = 4,
    Barrier = 8,
    Epoch = 16,
    Pruning = 32,
    NothingChangedWait = 64,
    Horizon = 128,
    Mac = 256,
}
