using AuthService.Database.PrivateServer;

namespace IntegrationTests.Deploy;

/// <summary>The files of <c>deploy/</c>, and programs that judge them.</summary>
internal static class ShippedFiles
{
    private static readonly string Root = FindRoot();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    public static string Read(params string[] parts) => File.ReadAllText(PathOf(["deploy", .. parts]));

    /// <summary>Runs a program with next to nothing in its environment.</summary>
    /// <param name="hint">What to do where it isn't installed.</param>
    public static async Task<ProgramResult> RunAsync(string program, string[] arguments, string folder, string hint, CancellationToken ct)
    {
        try
        {
            return await ChildProgram.RunAsync(program, arguments, folder, ct);
        }
        catch (PrivatePostgresException e)
        {
            throw new InvalidOperationException($"{program} is missing: {hint}", e);
        }
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No repository here.");
        return folder;
    }
}
