using Bench.Report;

namespace Bench.Http;

/// <summary>What a node takes of the machine before anybody has asked it for anything, and after it was asked about everybody.</summary>
internal static class MemoryPart
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(Scene scene)
    {
        await Task.Delay(Settle, TimeProvider.System);
        var idle = Megabytes(scene);
        await scene.AskAboutAllAsync();
        var asked = Megabytes(scene);
        scene.Report.Find("resident memory, idle", $"{idle:F0} MB", idle, Bar.AtMost(200, 120, " MB"));
        scene.Report.Find("resident memory, 100,000 accounts asked about", $"{asked:F0} MB", asked, Bar.AtMost(400, 250, " MB"));
    }

    private static double Megabytes(Scene scene) => scene.Service.ResidentBytes() / 1e6;
}
