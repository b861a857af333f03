using System.Diagnostics;
using System.Globalization;
using AuthService.Database.PrivateServer;
using Microsoft.Extensions.Logging.Abstractions;

namespace IntegrationTests;

/// <summary>
/// A folder of this test run, removed with everything in it when disposed. Its name starts with the process id, so the next run
/// recognizes what a killed one left behind (also a PostgreSQL that still runs) and removes it.
/// </summary>
/// <remarks>
/// In memory where there is room. Each test makes a database of some 300 files and removes it; ext4 does not use a file's inode again for 5 s and looks
/// through all it has just freed for each new one (<c>recently_deleted</c>, where <c>perf record -a</c> beside the tests found an eighth of the processor's time).
/// </remarks>
public sealed class TestFolder : IAsyncDisposable
{
    private const long RoomInMemory = 6L << 30;

    private static readonly string InMemory = $"/dev/shm/authservice-tests-{Environment.UserName}";
    private static readonly string OnDisk = $"/tmp/authservice-tests-{Environment.UserName}";
    private static readonly bool HasRoom = HasRoomInMemory();
    private static int _count;

    /// <param name="onDisk">Where the disk is a part of what is measured.</param>
    public TestFolder(bool onDisk = false)
    {
        var parent = HasRoom && !onDisk ? InMemory : OnDisk;
        Path = $"{parent}/{Environment.ProcessId}-{Interlocked.Increment(ref _count)}";
        // The server's account must get through to it.
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(parent, mode);
        Directory.CreateDirectory(Path, mode);
    }

    public string Path { get; }

    public ValueTask DisposeAsync() => RemoveAsync(Path);

    /// <summary>Ends and removes what runs that were killed left behind.</summary>
    public static async Task SweepAsync()
    {
        foreach (var folder in ((string[])[InMemory, OnDisk]).Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories))
        {
            var pid = int.Parse(System.IO.Path.GetFileName(folder).Split('-')[0], CultureInfo.InvariantCulture);
            if (!IsAlive(pid)) await RemoveAsync(folder);
        }
    }

    private static bool HasRoomInMemory() =>
        Directory.Exists("/dev/shm") && new DriveInfo("/dev/shm") is { DriveFormat: "tmpfs" } memory && memory.AvailableFreeSpace >= RoomInMemory
        && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >= 2 * RoomInMemory;

    private static async ValueTask RemoveAsync(string folder)
    {
        if (!Directory.Exists(folder)) return;   // another run sweeps too
        EndOrphanedRedis(folder);
        if (await PrivatePostgres.StopOrphanAsync(folder, NullLogger.Instance, CancellationToken.None))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>A Redis of a run that was killed: by the number in its file, if that still is a Redis of this folder.</summary>
    private static void EndOrphanedRedis(string folder)
    {
        var file = System.IO.Path.Combine(folder, "redis.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var pid)) return;
        try
        {
            // Numbers are used again: it works in its own folder, and no other Redis does.
            if (new FileInfo(FormattableString.Invariant($"/proc/{pid}/cwd")).LinkTarget != folder) return;
            using var process = Process.GetProcessById(pid);
            process.Kill();
            process.WaitForExit();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
        {
            // It has ended.
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
