namespace UnitTests.Repository;

/// <summary>The files the tests of this folder read.</summary>
internal static class RepositoryRoot
{
    public static string Folder { get; } = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Text of a file every checkout has.</summary>
    public static string Read(params string[] parts)
    {
        var path = PathOf(parts);
        Assert.True(File.Exists(path), $"{string.Join('/', parts)} is missing: write it, this test compares it with the code.");
        return File.ReadAllText(path);
    }

    /// <summary>Source files below a folder, as their paths from there with forward slashes.</summary>
    public static IEnumerable<string> Sources(string folder, string pattern = "*.cs") =>
        from file in Directory.EnumerateFiles(PathOf(folder), pattern, SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(PathOf(folder), file).Replace('\\', '/')
        where !relative.Split('/').Any(part => part is "bin" or "obj" or "node_modules")
        select relative;

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AuthService.slnx"))) folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No repository here.");
        return folder;
    }
}
