namespace AuthService.Client;

/// <summary>What texts may look like. Anchored, without nested repetition: matching takes time linear in the text.</summary>
internal static class Patterns
{
    /// <summary>One at sign, something on either side, no space or control character. Whether mail arrives there, only mail can tell.</summary>
    public const string Email = @"^[^\s\p{C}@]+@[^\s\p{C}@]+\z";

    public const string Username = @"^[\p{L}\p{Nd}._-]+\z";

    /// <summary>Text on one line: no control, format or unassigned characters.</summary>
    public const string Line = @"^\P{C}*\z";

    public const string Phone = @"^\+?[0-9 ()./-]*\z";

    public const string HttpsUrl = @"^(https://\P{C}+)?\z";

    /// <summary>Role names, resources and actions.</summary>
    public const string Name = @"^[A-Za-z0-9][A-Za-z0-9._-]*\z";
}
