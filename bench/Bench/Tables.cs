using Spectre.Console;

namespace Bench;

internal static class Tables
{
    private const int Width = 180;

    public static void Write(Table table)
    {
        // Files and pipes have no width of their own; 80 columns would tear every row apart.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = Width;
        AnsiConsole.Write(table);
    }
}
