using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace AuthService.Passwords;

/// <summary>
/// Which passwords may be set: length, a block list of common ones, words an attacker would try for this account first. No
/// rules of composition and no expiry (NIST SP 800-63B-4, ASVS 6.2). Not asked when a password is checked at sign-in.
/// </summary>
/// <remarks>
/// Characters are Unicode scalar values. Comparisons ignore case. A password that consists of a blocked word and padding is as easy to guess as the word, so:
/// <list type="bullet">
/// <item>it is too common if it is a listed one; a listed one with only digits, punctuation and spaces around it; any of these
/// or a unit of up to three characters repeated to length; or a run of neighbours such as <c>abcdefghijkl</c>. Listed ones
/// without a letter count inside others from six characters on: random digits would contain a shorter one too often.</item>
/// <item>it consists of context if, once the context words are taken out, fewer than four letters are left. Context words are
/// the product's name and, from four characters on, the user name, the local part of the address and the display name, each
/// whole and cut at separators.</item>
/// </list>
/// In both cases a rest that is long enough to be a password by itself is let through: the word has then done no harm.
/// </remarks>
internal sealed class PasswordPolicy(PasswordOptions options)
{
    /// <summary>Longest password accepted, in characters. Longer ones are refused, never cut.</summary>
    public const int MaxCharacters = 256;

    private const int MinWordLength = 4;
    private const int MinLetterlessLength = 6;
    private const int MinLettersBesideContext = 4;
    private const int MaxTrivialUnit = 3;

    private static readonly FrozenSet<string> Common = ReadCommon();
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> CommonBySpan = Common.GetAlternateLookup<ReadOnlySpan<char>>();
    private static readonly int LongestCommon = Common.Max(word => word.Length);
    private static readonly SearchValues<char> Separators = SearchValues.Create(" .-_+@'");

    /// <summary>What is wrong with the password; empty if nothing is.</summary>
    /// <param name="pointer">JSON pointer of the member that carries it, for the errors.</param>
    public IReadOnlyList<FieldError> Check(string password, string pointer, string email, string username, string? displayName = null)
    {
        if (!TryCountCharacters(password, out var characters))
        {
            return [new FieldError(pointer, "passwords.not_text", "The password contains half a character (an unpaired surrogate).")];
        }
        if (characters > MaxCharacters || Encoding.UTF8.GetByteCount(password) > Argon2id.MaxPasswordBytes)
        {
            return [new FieldError(pointer, "passwords.too_long", "A password has at most 256 characters and 1,024 bytes of UTF-8.")];
        }

        var errors = new List<FieldError>();
        if (characters < options.MinimumLength)
        {
            errors.Add(new FieldError(pointer, "passwords.too_short", $"A password has at least {options.MinimumLength} characters."));
        }
        var lower = password.ToLowerInvariant();
        if (IsTooCommon(lower))
        {
            errors.Add(new FieldError(pointer, "passwords.too_common", "This password, or the word it is made of, is among the first ones an attacker tries."));
        }
        if (ConsistsOfContext(lower, ["authservice", .. WordsOf(username), .. WordsOf(LocalPart(email)), .. WordsOf(displayName)]))
        {
            errors.Add(new FieldError(pointer, "passwords.contains_context", "This password is made of your name, your address or the name of this service."));
        }
        return errors;
    }

    private static bool TryCountCharacters(string text, out int count)
    {
        count = 0;
        for (var rest = text.AsSpan(); !rest.IsEmpty; count++)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out var consumed) != OperationStatus.Done) return false;
            rest = rest[consumed..];
        }
        return true;
    }

    private bool IsTooCommon(ReadOnlySpan<char> lower)
    {
        if (IsRun(lower) || IsPaddedCommon(lower)) return true;
        for (var length = 1; length < lower.Length; length++)
        {
            // The text is its first characters, repeated, the last time possibly in part.
            if (!lower[length..].StartsWith(lower[..^length])) continue;
            if (length <= MaxTrivialUnit || IsPaddedCommon(lower[..length])) return true;
        }
        return false;
    }

    /// <summary>Whether every character is the one before it, or its neighbour in the same direction throughout.</summary>
    private static bool IsRun(ReadOnlySpan<char> text)
    {
        if (text.Length < 2 || text[1] - text[0] is not (-1 or 0 or 1)) return false;
        for (var i = 2; i < text.Length; i++)
        {
            if (text[i] - text[i - 1] != text[1] - text[0]) return false;
        }
        return true;
    }

    /// <summary>Whether a listed password is in the text and all letters of the text are in it.</summary>
    private bool IsPaddedCommon(ReadOnlySpan<char> lower)
    {
        if (CommonBySpan.Contains(lower)) return true;
        var (firstLetter, afterLetters) = (lower.Length, 0);
        for (var i = 0; i < lower.Length; i++)
        {
            if (!char.IsLetter(lower[i])) continue;
            firstLetter = Math.Min(firstLetter, i);
            afterLetters = i + 1;
        }
        var minLength = afterLetters == 0 ? MinLetterlessLength : afterLetters - firstLetter;
        for (var start = 0; start <= firstLetter && start < lower.Length; start++)
        {
            var maxLength = Math.Min(LongestCommon, lower.Length - start);
            for (var length = Math.Max(minLength, afterLetters - start); length <= maxLength; length++)
            {
                if (lower.Length - length < options.MinimumLength && CommonBySpan.Contains(lower.Slice(start, length))) return true;
            }
        }
        return false;
    }

    private bool ConsistsOfContext(string lower, List<string> words)
    {
        var rest = lower;
        // Longest first: "anna.schmidt" before "anna", or half of a name would be left over.
        words.Sort(static (a, b) => b.Length.CompareTo(a.Length));
        foreach (var word in words) rest = rest.Replace(word, "", StringComparison.Ordinal);
        if (rest.Length == lower.Length) return false;

        var (characters, letters) = (0, 0);
        foreach (var rune in rest.EnumerateRunes())
        {
            characters++;
            if (Rune.IsLetter(rune)) letters++;
        }
        return letters < MinLettersBesideContext && characters < options.MinimumLength;
    }

    private static List<string> WordsOf(string? name)
    {
        var words = new List<string>();
        if (name is null) return words;
        var lower = name.ToLowerInvariant();
        if (lower.Length >= MinWordLength) words.Add(lower);
        foreach (var range in lower.AsSpan().SplitAny(Separators))
        {
            var word = lower[range];
            if (word.Length >= MinWordLength && word.Length < lower.Length) words.Add(word);
        }
        return words;
    }

    private static string LocalPart(string email) => email.LastIndexOf('@') is >= 0 and var at ? email[..at] : email;

    private static FrozenSet<string> ReadCommon()
    {
        const string Name = "Passwords/common-passwords.txt";
        using var stream = typeof(PasswordPolicy).Assembly.GetManifestResourceStream(Name)
            ?? throw new InvalidOperationException($"No embedded resource '{Name}'.");
        using var reader = new StreamReader(stream);
        var words = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith("# ", StringComparison.Ordinal)) words.Add(line.ToLowerInvariant());
        }
        return words.ToFrozenSet(StringComparer.Ordinal);
    }
}
