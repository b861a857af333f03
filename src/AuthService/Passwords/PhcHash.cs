using System.Globalization;

namespace AuthService.Passwords;

/// <summary>
/// The parameters in a stored hash: <c>$argon2id$v=19$m=19456,t=2,p=1$salt$output</c>, a PHC string as libsodium and the
/// <c>argon2</c> tool write it, or <c>$argon2i$…</c>, which an import may have brought.
/// </summary>
/// <param name="MemoryKiB">8 to <see cref="Argon2id.MaxMemoryKiB"/>.</param>
/// <param name="Iterations">1 to <see cref="Argon2id.MaxIterations"/>.</param>
internal readonly record struct PhcHash(int MemoryKiB, int Iterations, int Parallelism, int SaltBytes, int OutputBytes, bool IsArgon2id = true)
{
    /// <summary>
    /// False for every other algorithm, version or layout, and for parameters above what the options allow: a row must not be
    /// able to make a node work or allocate without limit.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PhcHash hash)
    {
        hash = default;
        if (text.Length > Argon2id.MaxTextLength) return false;
        Span<Range> parts = stackalloc Range[7];
        if (text.Split(parts, '$') != 6) return false;
        if (!text[parts[0]].IsEmpty || text[parts[1]] is not ("argon2id" or "argon2i") || text[parts[2]] is not "v=19") return false;

        var parameters = text[parts[3]];
        Span<Range> values = stackalloc Range[4];
        if (parameters.Split(values, ',') != 3) return false;
        if (!TryRead(parameters[values[0]], "m=", Argon2id.MaxMemoryKiB, out var memory) || memory < 8) return false;
        if (!TryRead(parameters[values[1]], "t=", Argon2id.MaxIterations, out var iterations)) return false;
        if (!TryRead(parameters[values[2]], "p=", 16, out var parallelism)) return false;
        if (!TryCountBytes(text[parts[4]], out var salt) || salt < 8) return false;
        if (!TryCountBytes(text[parts[5]], out var output) || output < 16) return false;

        hash = new PhcHash(memory, iterations, parallelism, salt, output, text[parts[1]] is "argon2id");
        return true;
    }

    /// <summary>
    /// Whether a guess against this hash is cheaper than against one made with the given parameters: it needs less memory, or
    /// less work in all (memory × iterations). Merely different is not weaker: 47,104 KiB × 1 is left alone under 19,456 × 2.
    /// </summary>
    public bool IsWeakerThan(int memoryKiB, int iterations) =>
        !IsArgon2id || MemoryKiB < memoryKiB || (long)MemoryKiB * Iterations < (long)memoryKiB * iterations || SaltBytes < 16 || OutputBytes < 32;

    private static bool TryRead(ReadOnlySpan<char> text, ReadOnlySpan<char> name, int max, out int value)
    {
        value = 0;
        return text.StartsWith(name, StringComparison.Ordinal)
            && int.TryParse(text[name.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out value)
            && text[name.Length] != '0'
            && value <= max;
    }

    private static bool TryCountBytes(ReadOnlySpan<char> base64, out int bytes)
    {
        bytes = base64.Length * 3 / 4;
        foreach (var c in base64)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '/')) return false;
        }
        return base64.Length % 4 != 1;
    }
}
