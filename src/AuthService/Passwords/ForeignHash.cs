using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace AuthService.Passwords;

/// <summary>
/// Password hashes that other systems have made and an import has brought along: checked until their owner signs in, then replaced by one of ours.
/// <list type="table">
/// <item><term>bcrypt</term><description><c>$2a$ $2b$ $2y$</c>, cost 4 to 15, by libcrypt. Of a password it looks at the first 72 bytes, as it always has.</description></item>
/// <item><term>scrypt</term><description><c>$scrypt$ln=…,r=…,p=…$salt$hash</c> (passlib) and <c>$7$…</c> (libsodium, libxcrypt), up to 256 MiB, by libsodium.</description></item>
/// <item><term>PBKDF2</term><description>as ASP.NET Core Identity writes it, versions 2 and 3, up to 2,000,000 iterations.</description></item>
/// <item><term>Argon2i and Argon2id</term><description>PHC strings, up to 1 GiB: <see cref="PhcHash"/>.</description></item>
/// </list>
/// The limits are there because a row must not be able to make a node work without end.
/// </summary>
internal static partial class ForeignHash
{
    private const int MaxTextLength = 512;
    private const int MaxBcryptCost = 15;
    private const int MaxPbkdf2Iterations = 2_000_000;
    private const long MaxScryptBytes = 256L * 1024 * 1024;
    private const int MaxScryptParallelism = 16;
    private const int LibsodiumScryptLength = 101;   // crypto_pwhash_scryptsalsa208sha256_STRBYTES, without the final NUL
    private const string Sodium = "libsodium.so.23";
    private const string Crypt = "libcrypt.so.1";
    private const string Itoa64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Whether the text is a hash that can be checked here, as far as its form tells.</summary>
    public static bool IsKnown(string text) => PhcHash.TryParse(text, out _) || Find(text) is not null;

    /// <summary>Whether the hash was made of this password. Takes as long as its maker has set.</summary>
    /// <returns>Null: no hash of a kind that is known.</returns>
    public static bool? Verify(string password, string text) => Find(text)?.Invoke(password);

    private static Func<string, bool>? Find(string text)
    {
        if (text.Length > MaxTextLength) return null;
        if (Bcrypt().Match(text) is { Success: true } bcrypt)
            return int.Parse(bcrypt.Groups["cost"].ValueSpan, CultureInfo.InvariantCulture) is >= 4 and <= MaxBcryptCost ? password => VerifyByCrypt(password, text) : null;
        if (text.StartsWith("$scrypt$", StringComparison.Ordinal)) return FindScrypt(text);
        if (text.StartsWith("$7$", StringComparison.Ordinal)) return FindLibsodiumScrypt(text);
        return FindIdentity(text);
    }

    private static Func<string, bool>? FindScrypt(string text)
    {
        if (Scrypt().Match(text) is not { Success: true } match) return null;
        var (ln, r, p) = (Number(match, "ln"), Number(match, "r"), Number(match, "p"));
        if (!IsAffordable(ln, r, p) || FromBase64(match.Groups["salt"].Value) is not { } salt || FromBase64(match.Groups["hash"].Value) is not { Length: >= 16 and <= 64 } hash) return null;
        return password =>
        {
            Argon2id.Load();
            var bytes = Encoding.UTF8.GetBytes(password);
            var made = new byte[hash.Length];
            return ScryptRaw(bytes, (nuint)bytes.Length, salt, (nuint)salt.Length, 1UL << ln, (uint)r, (uint)p, made, (nuint)made.Length) == 0
                && CryptographicOperations.FixedTimeEquals(made, hash);
        };

        static int Number(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    private static Func<string, bool>? FindLibsodiumScrypt(string text)
    {
        if (text.Length != LibsodiumScryptLength || !Ascii.IsValid(text)) return null;
        var (ln, r, p) = (Itoa64.IndexOf(text[3], StringComparison.Ordinal), Read(text.AsSpan(4, 5)), Read(text.AsSpan(9, 5)));
        if (!IsAffordable(ln, r, p)) return null;
        return password =>
        {
            Argon2id.Load();
            var bytes = Encoding.UTF8.GetBytes(password);
            return ScryptVerify(Encoding.ASCII.GetBytes(text + '\0'), bytes, (ulong)bytes.Length) == 0;
        };

        // Six bits a character, the lowest first.
        static int Read(ReadOnlySpan<char> characters)
        {
            var value = 0L;
            for (var i = characters.Length - 1; i >= 0; i--)
            {
                var bits = Itoa64.IndexOf(characters[i], StringComparison.Ordinal);
                if (bits < 0) return -1;
                value = (value << 6) | (uint)bits;
            }

            return value <= int.MaxValue ? (int)value : -1;
        }
    }

    private static bool IsAffordable(int ln, int r, int p) => ln is >= 1 and <= 24 && r is >= 1 and <= 64 && p is >= 1 and <= MaxScryptParallelism && (128L * r << ln) <= MaxScryptBytes;

    /// <remarks>Version 2: 0, salt of 16, key of 32, HMAC-SHA-1, 1,000 iterations. Version 3: 1, then function, iterations and length of the salt as big-endian numbers, salt, key.</remarks>
    private static Func<string, bool>? FindIdentity(string text)
    {
        if (FromBase64(text) is not { Length: >= 49 } bytes) return null;
        if (bytes[0] == 0) return bytes.Length == 49 ? password => VerifyPbkdf2(password, bytes.AsSpan(1, 16), bytes.AsSpan(17), 1_000, HashAlgorithmName.SHA1) : null;
        if (bytes[0] != 1) return null;
        var (function, iterations, saltLength) = (BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1)), BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(5)), BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(9)));
        if (function > 2 || iterations is 0 or > MaxPbkdf2Iterations || saltLength is < 16 or > 64 || bytes.Length < 13 + saltLength + 16) return null;
        var name = function switch { 0 => HashAlgorithmName.SHA1, 1 => HashAlgorithmName.SHA256, _ => HashAlgorithmName.SHA512 };
        return password => VerifyPbkdf2(password, bytes.AsSpan(13, (int)saltLength), bytes.AsSpan(13 + (int)saltLength), (int)iterations, name);
    }

    private static bool VerifyPbkdf2(string password, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> key, int iterations, HashAlgorithmName name)
    {
        Span<byte> made = stackalloc byte[key.Length];
        Rfc2898DeriveBytes.Pbkdf2(password, salt, made, iterations, name);
        return CryptographicOperations.FixedTimeEquals(made, key);
    }

    private static bool VerifyByCrypt(string password, string text)
    {
        if (password.Contains('\0', StringComparison.Ordinal)) return false;   // where the library's text would end
        var room = Marshal.AllocHGlobal(CryptDataLength);
        try
        {
            unsafe { NativeMemory.Clear((void*)room, CryptDataLength); }
            var made = CryptText(password, text, room, CryptDataLength);
            return made != 0 && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(text), Encoding.ASCII.GetBytes(Marshal.PtrToStringUTF8(made)!));
        }
        finally
        {
            unsafe { CryptographicOperations.ZeroMemory(new Span<byte>((void*)room, CryptDataLength)); }
            Marshal.FreeHGlobal(room);
        }
    }

    /// <summary>With or without padding; null: none.</summary>
    private static byte[]? FromBase64(string text)
    {
        var bytes = new byte[text.Length];
        var padded = text.EndsWith('=') ? text : text.PadRight((text.Length + 3) / 4 * 4, '=');
        return Convert.TryFromBase64String(padded.Replace('.', '+'), bytes, out var length) ? bytes[..length] : null;   // passlib has . for +
    }

    [GeneratedRegex(@"^\$2[aby]\$(?<cost>[0-9]{2})\$[./A-Za-z0-9]{53}\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Bcrypt();

    [GeneratedRegex(@"^\$scrypt\$ln=(?<ln>[0-9]{1,2}),r=(?<r>[0-9]{1,3}),p=(?<p>[0-9]{1,3})\$(?<salt>[A-Za-z0-9./+]{1,128})\$(?<hash>[A-Za-z0-9./+]{1,128})\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Scrypt();

    private const int CryptDataLength = 32_768;   // sizeof(struct crypt_data)

    [LibraryImport(Crypt, EntryPoint = "crypt_rn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint CryptText(string phrase, string setting, nint data, int size);

    [LibraryImport(Sodium, EntryPoint = "crypto_pwhash_scryptsalsa208sha256_ll")]
    private static partial int ScryptRaw(ReadOnlySpan<byte> password, nuint passwordLength, ReadOnlySpan<byte> salt, nuint saltLength, ulong n, uint r, uint p, Span<byte> output, nuint outputLength);

    [LibraryImport(Sodium, EntryPoint = "crypto_pwhash_scryptsalsa208sha256_str_verify")]
    private static partial int ScryptVerify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> password, ulong length);
}
