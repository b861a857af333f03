namespace AuthService.Client;

/// <summary>What texts may look like. Anchored, without nested repetition: matching takes time linear in the text.</summary>
internal static class Patterns
{
    /// <summary>One at sign, something on either side, no space or control character. Whether mail arrives there, only mail can tell.</summary>
    public const string Email = @"^[^\s\p{C}@]+@[^\s\p{C}@]+\z";

    /// <summary>In UTF-16 units, as attributes count: nothing longer can be 256 characters.</summary>
    public const int PasswordMaxLength = 512;

    public const string Username = @"^[\p{L}\p{Nd}._-]+\z";

    /// <summary>Text on one line: no control, private or unassigned characters, and none that turns the direction of writing.
    /// The joiners that emoji are made with are allowed, and so are the surrogates that .NET sees them as.</summary>
    public const string Line = @"^[^\p{Cc}\p{Co}\p{Cn}\u2028-\u202E\u2066-\u2069]*\z";

    public const string Phone = @"^\+?[0-9 ()./-]*\z";

    public const string HttpsUrl = @"^(https://\P{C}+)?\z";

    /// <summary>Role names, resources and actions.</summary>
    public const string Name = @"^[A-Za-z0-9][A-Za-z0-9._-]*\z";
}
