using System.Runtime.InteropServices;
using System.Text;

namespace UnitTests.Passwords;

/// <summary>libsodium's own scrypt hashes, as a system that used them has stored them.</summary>
internal static class SodiumScrypt
{
    public static string Hash(string password)
    {
        var text = new byte[102];
        var bytes = Encoding.UTF8.GetBytes(password);
        Assert.Equal(0, Make(text, bytes, (ulong)bytes.Length, 32_768, 16_777_216));
        return Encoding.ASCII.GetString(text).TrimEnd('\0');
    }

    [DllImport("libsodium.so.23", EntryPoint = "crypto_pwhash_scryptsalsa208sha256_str")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Make(byte[] text, byte[] password, ulong length, ulong operations, nuint memory);
}
