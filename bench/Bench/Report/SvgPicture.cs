using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Bench.Report;

/// <summary>A curve as a picture that is legible on a light page and on a dark one: it brings its own white.</summary>
internal static class SvgPicture
{
    private const double Width = 760, Height = 370;
    private const double LegendLine = 18;   // each name below the other: beside each other they overlap where a viewer has another font
    private const double Margin = 1.08;   // above the highest point

    // Told apart also by those who don't see red and green (Okabe and Ito), and by the markers.
    private static readonly OxyColor[] Colours =
        [OxyColor.FromRgb(0, 114, 178), OxyColor.FromRgb(213, 94, 0), OxyColor.FromRgb(0, 158, 115), OxyColor.FromRgb(204, 121, 167), OxyColor.FromRgb(86, 180, 233), OxyColor.FromRgb(230, 159, 0)];

    private static readonly MarkerType[] Markers = [MarkerType.Circle, MarkerType.Square, MarkerType.Triangle, MarkerType.Diamond];

    public static void Write(Curve curve, string file)
    {
        var model = new PlotModel { Title = curve.Title, TitleFontSize = 15, Background = OxyColors.White, DefaultFont = "Arial", PlotAreaBorderColor = OxyColors.Gray };
        var points = curve.Lines.SelectMany(l => l.Points).ToList();
        model.Axes.Add(CreateAxis(AxisPosition.Bottom, curve.X, curve.IsLogarithmicInX, points.ConvertAll(p => p.Key)));
        model.Axes.Add(CreateAxis(AxisPosition.Left, curve.Y, curve.IsLogarithmicInY, points.ConvertAll(p => p.Value)));
        model.Legends.Add(new Legend { LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomLeft, LegendOrientation = LegendOrientation.Vertical, LegendLineSpacing = 5 });
        foreach (var (line, values) in curve.Lines)
        {
            var (colour, marker) = (Colours[model.Series.Count % Colours.Length], Markers[model.Series.Count % Markers.Length]);
            var series = new LineSeries { Title = line, Color = colour, StrokeThickness = 2, MarkerType = marker, MarkerSize = 4, MarkerFill = colour };
            foreach (var (x, y) in values.Where(v => !curve.IsLogarithmicInY || v.Value > 0)) series.Points.Add(new DataPoint(x, y));
            model.Series.Add(series);
        }

        using var stream = File.Create(file);
        new SvgExporter { Width = Width, Height = Height + (LegendLine * model.Series.Count), UseVerticalTextAlignmentWorkaround = true }.Export(model, stream);
    }

    private static Axis CreateAxis(AxisPosition position, string title, bool isLogarithmic, List<double> values)
    {
        Axis axis = isLogarithmic ? new LogarithmicAxis() : new LinearAxis();
        axis.Position = position;
        axis.Title = title;
        axis.AxisTitleDistance = position == AxisPosition.Left ? 12 : 6;
        axis.MajorGridlineStyle = LineStyle.Solid;
        axis.MajorGridlineColor = OxyColor.FromRgb(225, 225, 225);
        axis.MinorTickSize = 0;
        axis.LabelFormatter = Figures.Short;
        if (position == AxisPosition.Bottom && !isLogarithmic) axis.MinimumMajorStep = 1;   // there is no half a node
        if (!isLogarithmic) (axis.Minimum, axis.Maximum) = (0, Math.Max(values.Max(), double.Epsilon) * Margin);
        else if (values.Where(v => v > 0).ToList() is { Count: > 0 } shown) (axis.Minimum, axis.Maximum) = (Whole(Math.Floor, shown.Min()), Whole(Math.Ceiling, shown.Max() * Margin));
        return axis;

        // Whole tens at both ends: between two of them an axis may have no label at all.
        static double Whole(Func<double, double> round, double value) => Math.Pow(10, round(Math.Log10(value)));
    }
}
