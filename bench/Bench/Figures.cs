using System.Globalization;

namespace Bench;

/// <summary>What every table of measurements is made of.</summary>
internal static class Figures
{
    public static double Median(IEnumerable<double> values) => Percentile(values, 0.5);

    public static double Percentile(IEnumerable<double> values, double part)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min((int)(sorted.Length * part), sorted.Length - 1)];
    }

    public static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
