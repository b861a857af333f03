using System.Globalization;
using System.Text.RegularExpressions;

namespace AuthService.Database.PrivateServer;

/// <summary>One installed PostgreSQL server.</summary>
/// <param name="Folder">Holds <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>.</param>
/// <param name="Major">Major version: 15, 16, …</param>
internal sealed partial record ServerBinaries(string Folder, int Major)
{
    private const int OldestMajor = 15;

    private static readonly string[] Programs = ["initdb", "pg_ctl", "postgres"];

    /// <summary>Where packages put one folder for each version; newest first. The star is the version.</summary>
    private static readonly (string Parent, string Pattern, string Below)[] Versioned =
    [
        ("/usr/lib/postgresql", "*", "bin"),                              // Debian, Ubuntu
        ("/usr", "pgsql-*", "bin"),                                       // the project's own RPMs
        ("/opt/homebrew/opt", "postgresql@*", "bin"),
        ("/usr/local/opt", "postgresql@*", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@*", "bin"),
    ];

    public string InitDb => Path.Combine(Folder, "initdb");

    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    /// <param name="clusterMajor">The version that made the cluster, which alone can run it; null for a new cluster, which gets the
    /// first in PATH, else the newest installed.</param>
    /// <param name="ct">Ends the search.</param>
    /// <exception cref="PrivatePostgresException">None is installed, or none that fits.</exception>
    public static async Task<ServerBinaries> FindAsync(int? clusterMajor, CancellationToken ct)
    {
        List<int> others = [];
        foreach (var folder in Folders())
        {
            if (await MajorAsync(folder, ct) is not { } major) continue;
            if (clusterMajor is null ? major >= OldestMajor : major == clusterMajor) return new ServerBinaries(folder, major);
            others.Add(major);
        }

        var installed = string.Join(", ", others.Distinct());
        throw new PrivatePostgresException((others, clusterMajor) switch
        {
            ({ Count: 0 }, _) =>
                "No PostgreSQL server is installed: initdb, pg_ctl and postgres are neither in PATH nor in the usual folders. " +
                "Install one (Debian, Ubuntu: apt-get install postgresql postgresql-contrib), " +
                "or name a server of yours in ConnectionStrings__Primary.",
            (_, null) => $"PostgreSQL {OldestMajor} or later is needed, installed: {installed}.",
            _ => $"The cluster was made by PostgreSQL {clusterMajor}, installed: {installed}. Install version {clusterMajor} " +
                 "beside it, or move the data with pg_upgrade or with pg_dump.",
        });
    }

    /// <summary>Whether the extension module of that name can be loaded by this server.</summary>
    public async Task<bool> HasModuleAsync(string name, CancellationToken ct)
    {
        var config = Path.Combine(Folder, "pg_config");
        var folder = Path.Combine(Folder, "..", "lib");
        if (File.Exists(config) && await ChildProgram.RunAsync(config, ["--pkglibdir"], "/", ct) is { Succeeded: true } asked)
            folder = asked.Output.Trim();
        return File.Exists(Path.Combine(folder, name + ".so")) || File.Exists(Path.Combine(folder, name + ".dylib"));
    }

    private static IEnumerable<string> Folders()
    {
        var inPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        // A link such as /usr/local/bin/pg_ctl stands for the folder it leads to: initdb looks for its files from there.
        var ofPath = from folder in inPath
                     let program = new FileInfo(Path.Combine(folder, "pg_ctl"))
                     where program.Exists
                     select (program.ResolveLinkTarget(returnFinalTarget: true) ?? program) is FileInfo { DirectoryName: { } real } ? real : folder;

        var ofPackages = from place in Versioned
                         where Directory.Exists(place.Parent)
                         from folder in Directory.EnumerateDirectories(place.Parent, place.Pattern).OrderByDescending(VersionInName)
                         select Path.Combine(folder, place.Below);

        return ofPath.Concat(ofPackages).Distinct().Where(folder => Programs.All(name => File.Exists(Path.Combine(folder, name))));
    }

    private static int VersionInName(string folder) =>
        int.TryParse(Path.GetFileName(folder).Split('-', '@')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;

    private static async Task<int?> MajorAsync(string folder, CancellationToken ct)
    {
        var version = await ChildProgram.RunAsync(Path.Combine(folder, "postgres"), ["--version"], "/", ct);
        var match = Version().Match(version.Output);
        return version.Succeeded && match.Success ? int.Parse(match.Groups["major"].Value, CultureInfo.InvariantCulture) : null;
    }

    [GeneratedRegex(@"\(PostgreSQL\) (?<major>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();
}
