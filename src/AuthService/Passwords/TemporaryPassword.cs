using System.Security.Cryptography;

namespace AuthService.Passwords;

/// <summary>Passwords the service makes up for an account, to be typed once and then replaced.</summary>
internal static class TemporaryPassword
{
    // No i, l, o, 0, 1: nothing here can be taken for something else, also when read aloud.
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
    private const int Groups = 4;
    private const int GroupLength = 6;

    /// <summary>27 characters such as <c>k7mqx2-…</c>: 24 of a 31-letter alphabet, 118 bits, in four groups.</summary>
    public static string Create() => string.Create(Groups * (GroupLength + 1) - 1, 0, static (text, _) =>
    {
        RandomNumberGenerator.GetItems(Alphabet, text);
        for (var dash = GroupLength; dash < text.Length; dash += GroupLength + 1) text[dash] = '-';
    });
}
