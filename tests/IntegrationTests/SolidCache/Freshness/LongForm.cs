using System.Globalization;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>How long the random courses run and which they are: seconds in the tests of every change, as long as one likes by hand.</summary>
/// <remarks>
/// The long form: <c>SOLIDCACHE_HISTORY_SECONDS=600 SOLIDCACHE_HISTORY_SEED=5 dotnet test tests/IntegrationTests --filter
/// "FullyQualifiedName~HistoryRunTests.Nothing_is_stale|FullyQualifiedName~All_of_it_at_random" --logger "console;verbosity=detailed"</c>
/// </remarks>
internal static class LongForm
{
    public static readonly double Seconds = Number("SOLIDCACHE_HISTORY_SECONDS", 8);
    public static readonly int Seed = (int)Number("SOLIDCACHE_HISTORY_SEED", 7);

    public static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(90 + (3 * Seconds))).Token;

    private static double Number(string variable, double otherwise) =>
        double.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
