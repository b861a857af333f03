namespace Bench.Soak;

/// <summary>The line through points by least squares.</summary>
/// <param name="PerUnit">How much y rises with one x.</param>
/// <param name="Error">Its standard error, as if the points were independent of each other. Samples of a process are not quite: take it for a lower bound.</param>
internal readonly record struct Slope(double PerUnit, double Error)
{
    /// <param name="points">At least three, not all at one x; else there is nothing to say, and both are NaN.</param>
    public static Slope Of(IReadOnlyCollection<(double X, double Y)> points)
    {
        if (points.Count < 3) return new Slope(double.NaN, double.NaN);
        var (meanX, meanY) = (points.Average(p => p.X), points.Average(p => p.Y));
        var spread = points.Sum(p => (p.X - meanX) * (p.X - meanX));
        var slope = points.Sum(p => (p.X - meanX) * (p.Y - meanY)) / spread;
        var rest = points.Sum(p => Math.Pow(p.Y - meanY - slope * (p.X - meanX), 2));
        return new Slope(slope, Math.Sqrt(rest / (points.Count - 2) / spread));
    }
}
