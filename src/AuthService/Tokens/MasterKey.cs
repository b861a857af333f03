using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace AuthService.Tokens;

/// <summary>
/// The one secret that is not in the database: 32 bytes from which all others are derived. With it and a copy of the database
/// someone can sign tokens; with the copy alone they can't.
/// </summary>
internal sealed partial class MasterKey
{
    public const int Length = 32;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode GroupOrOthers =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    // Longer than 32 bytes in base64 with a line end: a wrong path must not read a disk image into memory.
    private const int MaxFileBytes = 128;

    private const int FileExists = 17;   // EEXIST: Linux, macOS

    private readonly byte[] _bytes;

    private MasterKey(byte[] bytes) => _bytes = bytes;

    /// <summary>A key of its own for one purpose: HKDF-SHA-256 (RFC 5869) with the purpose as info and no salt.</summary>
    /// <param name="purpose">Such as <c>refresh-token/1/tag</c>. Different purposes give independent keys.</param>
    /// <returns>32 bytes.</returns>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes, outputLength: 32, salt: [], info: Encoding.UTF8.GetBytes(purpose));

    /// <param name="text">32 bytes in base64, as <c>openssl rand -base64 32</c> prints them; white space around is ignored.</param>
    /// <param name="source">Where the text is from, for the message.</param>
    /// <exception cref="InvalidOperationException">It isn't. The message does not repeat the text.</exception>
    public static MasterKey Parse(string text, string source)
    {
        var bytes = new byte[Length];
        var trimmed = text.AsSpan().Trim();
        // Length first: the decoder skips white space inside the text as well.
        if (trimmed.Length == 44 && Convert.TryFromBase64Chars(trimmed, bytes, out var written) && written == Length) return new MasterKey(bytes);
        throw new InvalidOperationException($"The master key in {source} is not 32 bytes in base64 (make one with: openssl rand -base64 32).");
    }

    /// <summary>Reads the key from its file.</summary>
    /// <param name="mayCreate">Make the file if there is none. Only right while the database holds nothing made under another
    /// key: the caller looks.</param>
    /// <exception cref="InvalidOperationException">No file, one that group or others may read, or no key in it.</exception>
    public static MasterKey ReadFile(string path, bool mayCreate)
    {
        if (!File.Exists(path))
        {
            if (!mayCreate)
            {
                throw new InvalidOperationException(
                    $"The master key file {path} is missing, and the database holds keys made under it. Restore the file, or set Tokens:MasterKey.");
            }
            CreateFile(path);
        }
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & GroupOrOthers) != UnixFileMode.None)
        {
            throw new InvalidOperationException($"The master key file {path} can be read by more than its owner. Run: chmod 600 {path}");
        }
        if (new FileInfo(path).Length > MaxFileBytes) throw new InvalidOperationException($"{path} is too long to be a master key.");
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>Random, for tests and for a first start with nowhere to keep it.</summary>
    public static MasterKey CreateRandom() => new(RandomNumberGenerator.GetBytes(Length));

    // Written beside its place and put there whole: a second node that starts at the same time finds no file or a complete one.
    private static void CreateFile(string path)
    {
        var draft = $"{path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        var text = Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(Length)) + "\n");
        try
        {
            using (var file = new FileStream(draft, options))
            {
                file.Write(text);
                file.Flush(flushToDisk: true);
            }
            PutInPlace(draft, path);
        }
        catch (IOException) when (File.Exists(path))
        {
            // The other node was first. Its key is the one both use.
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>File.Move looks whether there is a file and then renames: of two that move at once the second replaces what the first goes on with. A link is refused where there is a file.</summary>
    /// <exception cref="IOException">There is a file.</exception>
    private static void PutInPlace(string draft, string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            if (Link(draft, path) == 0) return;
            if (Marshal.GetLastPInvokeError() == FileExists) throw new IOException($"{path} is there.");
        }

        File.Move(draft, path, overwrite: false);   // Windows refuses by itself; and there are file systems without links
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string created);
}
