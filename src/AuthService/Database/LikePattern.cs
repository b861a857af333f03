namespace AuthService.Database;

internal static class LikePattern
{
    /// <summary>A text to find anywhere in a lower-cased column, as a LIKE pattern in which none of its characters is special.</summary>
    /// <returns>Null for no text: every row matches.</returns>
    public static string? Anywhere(string? text) => string.IsNullOrEmpty(text) ? null
        : "%" + text.ToLowerInvariant()
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("%", "\\%", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal) + "%";
}
