namespace AuthService.Features.Authorization;

/// <summary><c>resource:action</c>, each 1 to 64 letters, digits, <c>. _ -</c>.</summary>
internal static class PermissionName
{
    private const int PartMaxLength = 64;

    public static bool IsWellFormed(ReadOnlySpan<char> name)
    {
        var colon = name.IndexOf(':');
        return colon > 0 && IsPart(name[..colon]) && IsPart(name[(colon + 1)..]);
    }

    private static bool IsPart(ReadOnlySpan<char> part)
    {
        if (part.Length is 0 or > PartMaxLength || !char.IsAsciiLetterOrDigit(part[0])) return false;
        foreach (var c in part)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-')) return false;
        }

        return true;
    }
}
