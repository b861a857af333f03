namespace AuthService.Features.SystemSettings;

/// <summary>Names of settings: <c>area.name</c>, in small letters, so that there is one way to write them.</summary>
internal static class SettingKey
{
    private const int MaxLength = 128;

    public static bool IsWellFormed(string key)
    {
        if (key.Length is 0 or > MaxLength || !char.IsAsciiLetterLower(key[0])) return false;
        foreach (var c in key)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('.' or '_' or '-')) return false;
        }

        return true;
    }
}
