using System.Globalization;

namespace Bench.Report;

/// <summary>Where a run is kept: <c>bench/results/2026-07-01-0a1b2c3.md</c>, its pictures in a folder of the same name beside it.</summary>
internal static class ResultFiles
{
    public static readonly string Folder = Path.Combine("bench", "results");

    public static string NameOf(DateTimeOffset day, string commit) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + "-" + commit;

    /// <summary>What an earlier run of the same day and commit has left is replaced.</summary>
    /// <returns>The file.</returns>
    public static async Task<string> WriteAsync(Document document, string name)
    {
        var pictures = Path.Combine(Folder, name);
        if (Directory.Exists(pictures)) Directory.Delete(pictures, recursive: true);
        Directory.CreateDirectory(pictures);
        foreach (var curve in document.Sections.SelectMany(s => s.Curves).Where(c => !c.IsEmpty)) SvgPicture.Write(curve, Path.Combine(pictures, curve.Name + ".svg"));
        var file = pictures + ".md";
        await File.WriteAllTextAsync(file, Markdown.Of(document, name));
        return file;
    }
}
