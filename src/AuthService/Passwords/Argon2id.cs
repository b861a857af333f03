using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace AuthService.Passwords;

/// <summary>
/// Argon2id with one lane, by libsodium's <c>crypto_pwhash_str</c>. Passwords are the UTF-8 bytes of the text exactly as given:
/// nothing is trimmed, cut or normalized. NIST SP 800-63B-4 suggests NFC or NFKC, but the service runs without the Unicode tables
/// that takes (under InvariantGlobalization <see cref="string.Normalize()"/> returns its input), and a password that verifies
/// only under one version of such tables is worse than one that must be typed the same way twice.
/// </summary>
/// <remarks>https://doc.libsodium.org/password_hashing/default_phf, RFC 9106.</remarks>
internal static partial class Argon2id
{
    /// <summary>1 GiB.</summary>
    public const int MaxMemoryKiB = 1_048_576;

    public const int MaxIterations = 16;

    /// <summary>Longest password taken, in UTF-8 bytes.</summary>
    public const int MaxPasswordBytes = 1024;

    /// <summary><c>crypto_pwhash_STRBYTES</c>, without the final NUL.</summary>
    public const int MaxTextLength = 127;

    private const string Library = "libsodium.so.23";
    private const int Argon2id13 = 2;

    // Refuses lone surrogates: replacing them would make different passwords equal.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly Lock Loading = new();
    private static volatile bool _loaded;

    /// <summary>Loads libsodium, once. Called at start, so that a machine without it is told so before the first sign-in.</summary>
    /// <exception cref="DllNotFoundException">libsodium is not installed; the message names the package.</exception>
    public static void Load()
    {
        if (_loaded) return;
        lock (Loading)
        {
            if (_loaded) return;
            var assembly = typeof(Argon2id).Assembly;
            if (!NativeLibrary.TryLoad(Library, assembly, null, out var handle) && !NativeLibrary.TryLoad("libsodium", assembly, null, out handle))
            {
                throw new DllNotFoundException("libsodium is missing, which hashes passwords. Install the package libsodium23 (Debian, Ubuntu).");
            }
            NativeLibrary.SetDllImportResolver(assembly, (name, _, _) => name == Library ? handle : 0);
            if (SodiumInit() < 0) throw new InvalidOperationException("libsodium could not initialize itself (sodium_init).");
            _loaded = true;
        }
    }

    /// <summary>A PHC string of at most <see cref="MaxTextLength"/> characters with a fresh 16-byte salt and 32 bytes of output.</summary>
    /// <exception cref="ArgumentException">The password is longer than <see cref="MaxPasswordBytes"/> or not valid UTF-16.</exception>
    public static string Hash(string password, int memoryKiB, int iterations)
    {
        Load();
        Span<byte> bytes = stackalloc byte[MaxPasswordBytes];
        try
        {
            if (!TryEncode(password, bytes, out var length)) throw new ArgumentException("Longer than 1,024 UTF-8 bytes, or not text.", nameof(password));
            Span<byte> text = stackalloc byte[MaxTextLength + 1];
            if (HashText(text, bytes[..length], (ulong)length, (ulong)iterations, (nuint)memoryKiB * 1024, Argon2id13) != 0)
            {
                throw new InvalidOperationException($"Argon2id could not get its {memoryKiB} KiB of memory.");
            }
            return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Whether the hash was made of this password. libsodium compares in constant time.</summary>
    /// <param name="storedHash">A PHC string that <see cref="PhcHash.TryParse"/> accepts; anything else does not match.</param>
    /// <returns>False also for a password that <see cref="Hash"/> would refuse, after the same work.</returns>
    public static bool Verify(string password, string storedHash)
    {
        Load();
        Span<byte> text = stackalloc byte[MaxTextLength + 1];
        text.Clear();
        if (storedHash.Length > MaxTextLength || !Ascii.IsValid(storedHash)) return false;
        Encoding.ASCII.GetBytes(storedHash, text);

        Span<byte> bytes = stackalloc byte[MaxPasswordBytes];
        try
        {
            var isText = TryEncode(password, bytes, out var length);
            return VerifyText(text, bytes[..length], (ulong)length) == 0 & isText;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Whether the text is something that can be hashed: valid UTF-16 of at most <see cref="MaxPasswordBytes"/> as UTF-8.</summary>
    private static bool TryEncode(string password, Span<byte> destination, out int length)
    {
        length = 0;
        try
        {
            return Utf8.TryGetBytes(password, destination, out length);
        }
        catch (EncoderFallbackException)
        {
            return false;
        }
    }

    [LibraryImport(Library, EntryPoint = "sodium_init")]
    private static partial int SodiumInit();

    [LibraryImport(Library, EntryPoint = "crypto_pwhash_str_alg")]
    private static partial int HashText(Span<byte> text, ReadOnlySpan<byte> password, ulong length, ulong iterations, nuint memoryBytes, int algorithm);

    [LibraryImport(Library, EntryPoint = "crypto_pwhash_str_verify")]
    private static partial int VerifyText(ReadOnlySpan<byte> text, ReadOnlySpan<byte> password, ulong length);
}
