namespace AuthService.Tokens;

internal enum SigningKeyState
{
    /// <summary>Public already, and the next to sign.</summary>
    Next,

    /// <summary>Signs.</summary>
    Active,

    /// <summary>Replaced; what it signed is still good.</summary>
    Retiring,
}

/// <summary>A key and what it is for at the moment.</summary>
/// <param name="ActiveFrom">When it began or will begin to sign, by the database's clock. Null: not decided.</param>
internal sealed record SigningKey(Es256Key Key, SigningKeyState State, DateTimeOffset? ActiveFrom);
