using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AuthService.Database.PrivateServer;

/// <summary>
/// The places on disk that belong to one data folder. Usually everything is in the data folder itself; where the server's account
/// can't get there, the cluster is elsewhere and <c>postgres</c> in the data folder is a link to it.
/// </summary>
/// <param name="Folder">Holds the cluster and the files beside it. Without symbolic links in its path.</param>
/// <param name="IsElsewhere">Not the data folder.</param>
internal sealed record ClusterHome(string Folder, bool IsElsewhere)
{
    /// <summary>PostgreSQL's own folder, made by initdb, owned by the server's account, mode 0700.</summary>
    public string Cluster => Path.Combine(Folder, "postgres");

    /// <summary>The superuser's password, mode 0600, ours.</summary>
    public string PasswordFile => Path.Combine(Folder, "postgres.password");

    /// <summary>Our settings, included at the end of the cluster's own file.</summary>
    public string SettingsFile => Path.Combine(Folder, "postgres.conf");

    /// <summary>
    /// Directory of the server's socket. Not in the data folder: its path must fit into 107 bytes with the socket's name, and some file
    /// systems a data folder may be on (shares, mounted volumes) have no sockets. Fixed by the cluster's place, so everyone who
    /// has the data folder finds it.
    /// </summary>
    public string SocketFolder => $"/tmp/authservice-{Fingerprint(Cluster)}";

    /// <summary>The major version that made the cluster; null when there is none yet.</summary>
    /// <exception cref="PrivatePostgresException">There is a folder that is no cluster.</exception>
    public int? ReadMajor()
    {
        if (!Directory.Exists(Cluster)) return null;
        var file = Path.Combine(Cluster, "PG_VERSION");
        return File.Exists(file) && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var major)
            ? major
            : throw new PrivatePostgresException($"{Cluster} is no PostgreSQL cluster: it has no PG_VERSION. Move it away to start a new one.");
    }

    /// <param name="dataFolder">Exists.</param>
    public static ClusterHome Of(string dataFolder)
    {
        var real = RealPath(dataFolder);
        var link = new DirectoryInfo(Path.Combine(real, "postgres")).LinkTarget;
        return link is null
            ? new ClusterHome(real, IsElsewhere: false)
            : new ClusterHome(RealPath(Path.GetDirectoryName(Path.GetFullPath(link, real))!), IsElsewhere: true);
    }

    /// <summary>Puts the cluster below <paramref name="parent"/> and leaves a link to it in the data folder.</summary>
    public static ClusterHome Relocate(string dataFolder, string parent)
    {
        var real = RealPath(dataFolder);
        var name = string.Concat(Path.GetFileName(real).Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
        var home = new ClusterHome(Path.Combine(parent, $"{name}-{Fingerprint(real)}"), IsElsewhere: true);
        const UnixFileMode passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(parent, passable);
        Directory.CreateDirectory(home.Folder, passable);
        Directory.CreateSymbolicLink(Path.Combine(real, "postgres"), home.Cluster);
        return home;
    }

    /// <summary>The path with every link in it resolved, as the kernel shows it for a process's working directory.</summary>
    private static string RealPath(string path)
    {
        var real = "/";
        foreach (var part in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            var next = new DirectoryInfo(Path.Combine(real, part));
            // A link's target may lie behind links itself; it is an absolute path here, so this ends where the kernel would say ELOOP.
            real = next.ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : next.FullName;
        }

        return real;
    }

    private static string Fingerprint(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)).AsSpan(0, 8));
}
