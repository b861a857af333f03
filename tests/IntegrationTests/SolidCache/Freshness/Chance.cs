namespace IntegrationTests.SolidCache.Freshness;

/// <summary>Chance that comes the same way again with the same seed.</summary>
internal sealed class Chance(int seed)
{
#pragma warning disable RS0030   // seeded
    private readonly Random _random = new(seed);

    public int Next(int below) => _random.Next(below);
#pragma warning restore RS0030
}
