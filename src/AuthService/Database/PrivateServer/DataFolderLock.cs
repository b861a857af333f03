using System.Globalization;
using System.Text;

namespace AuthService.Database.PrivateServer;

/// <summary>
/// Ownership of a data folder: an exclusive lock of the operating system on <c>lock</c> inside it. The kernel releases it when the
/// owner dies, however it dies. The file itself stays: deleting it would let two owners lock two files of one name.
/// </summary>
internal sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _file;

    private DataFolderLock(FileStream file) => _file = file;

    /// <returns>Null when another process, or another instance in this one, holds the lock.</returns>
    public static DataFolderLock? TryTake(string folder)
    {
        FileStream file;
        try
        {
            file = new FileStream(PathIn(folder), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (e.HResult is 11 or 35)   // EWOULDBLOCK on Linux, on macOS
        {
            return null;
        }

        file.SetLength(0);
        file.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
        return new DataFolderLock(file);
    }

    /// <summary>The process that holds the lock, as it wrote itself down; null in the instant before it has.</summary>
    public static async Task<int?> HolderAsync(string folder, CancellationToken ct)
    {
        // .NET takes a shared lock on every file it opens and so can't read one that is locked; cat asks for none.
        var content = await ChildProgram.RunAsync("cat", [PathIn(folder)], folder, ct);
        return int.TryParse(content.Output.AsSpan().Trim(), CultureInfo.InvariantCulture, out var pid) ? pid : null;
    }

    public void Dispose() => _file.Dispose();

    private static string PathIn(string folder) => Path.Combine(folder, "lock");
}
