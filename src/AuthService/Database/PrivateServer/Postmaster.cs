using System.Diagnostics;
using System.Globalization;

namespace AuthService.Database.PrivateServer;

/// <summary>
/// What the process table says about a cluster's server. <c>postmaster.pid</c> alone proves nothing: after a crash, or in a restarted
/// container, its number may be another program's by now. A server works in its cluster's folder, so on Linux the kernel can tell.
/// </summary>
internal static class Postmaster
{
    /// <summary>The server's process id when it runs on this cluster; null when it does not, whatever <c>postmaster.pid</c> says.</summary>
    public static int? Find(string cluster) =>
        ReadPid(cluster) is { } pid && (CanTell ? WorksIn(pid, cluster) : IsAlive(pid)) ? pid : null;

    /// <summary>The number in <c>postmaster.pid</c>; null without file. A clean stop removes it.</summary>
    public static int? ReadPid(string cluster) => ReadPidFrom(PidFile(cluster));

    /// <summary>
    /// Processes of a killed server that still work on the cluster. They notice that their postmaster is gone within moments; until
    /// the last has ended, no new server may start. Always empty where the system can't tell: there PostgreSQL itself refuses.
    /// </summary>
    public static IReadOnlyList<int> Orphans(string cluster)
    {
        if (!CanTell) return [];
        return [.. from folder in Directory.EnumerateDirectories("/proc")
                   let pid = int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0
                   where pid > 0 && WorksIn(pid, cluster)
                   select pid];
    }

    /// <summary>
    /// Removes the lock files of a dead server when their number belongs to an unrelated program, or to a process that is dead but that
    /// nobody has buried yet: PostgreSQL would take it for a running server and refuse to start. A number nobody has is left to
    /// PostgreSQL, which knows how to treat it. Only after <see cref="Orphans"/> is empty.
    /// </summary>
    public static void ForgetReusedPid(string cluster, string socketFolder)
    {
        if (!CanTell) return;
        foreach (var file in new[] { PidFile(cluster), Path.Combine(socketFolder, ".s.PGSQL.5432.lock") })
        {
            if (ReadPidFrom(file) is { } pid && IsAlive(pid) && !WorksIn(pid, cluster)) File.Delete(file);
        }
    }

    /// <summary>Whether this system shows in which folder a process works.</summary>
    public static bool CanTell => OperatingSystem.IsLinux();

    private static string PidFile(string cluster) => Path.Combine(cluster, "postmaster.pid");

    private static int? ReadPidFrom(string file)
    {
        try
        {
            return int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static bool WorksIn(int pid, string cluster)
    {
        try
        {
            // The name as well: an operator's shell may stand in that folder.
            return string.Equals(new DirectoryInfo($"/proc/{pid}/cwd").LinkTarget, cluster, StringComparison.Ordinal)
                && File.ReadAllText($"/proc/{pid}/comm").StartsWith("post", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // gone in between, or another user's
        }
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
