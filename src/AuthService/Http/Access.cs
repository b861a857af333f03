namespace AuthService.Http;

/// <summary>Who may call an endpoint. Every route states one; <c>Features/AccessControl/AccessEnforcement.cs</c> refuses to run a route that doesn't.</summary>
/// <param name="NeedsSession">False: anybody may call.</param>
/// <param name="Permission">Permission the caller must hold as well, if any.</param>
internal sealed record Access(bool NeedsSession, string? Permission)
{
    /// <summary>Whether a session whose password is a temporary one may call: only what it takes to change it.</summary>
    public bool BeforePasswordChange { get; init; }
}

internal static class AccessRules
{
    private static readonly Access Anyone = new(NeedsSession: false, Permission: null);
    private static readonly Access SignedIn = new(NeedsSession: true, Permission: null);
    private static readonly Access SignedInBeforePasswordChange = SignedIn with { BeforePasswordChange = true };

    public static TBuilder AllowAnyone<TBuilder>(this TBuilder builder) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(Anyone);

    public static TBuilder RequireSession<TBuilder>(this TBuilder builder, bool beforePasswordChange = false) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(beforePasswordChange ? SignedInBeforePasswordChange : SignedIn);

    /// <param name="permission">One of the names in <see cref="OwnPermissions"/>.</param>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, string permission) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new Access(NeedsSession: true, permission));
}

/// <summary>The permissions this service asks for itself; seeded by <c>0002_roles.sql</c>.</summary>
internal static class OwnPermissions
{
    public const string UsersRead = "users:read";
    public const string UsersWrite = "users:write";
    public const string UsersAdmin = "users:admin";
    public const string RolesRead = "roles:read";
    public const string RolesWrite = "roles:write";
    public const string RolesAssign = "roles:assign";
    public const string PermissionsRead = "permissions:read";
    public const string PermissionsWrite = "permissions:write";
    public const string AuditRead = "audit:read";
    public const string SessionsRead = "sessions:read";
    public const string SettingsRead = "settings:read";
    public const string SettingsWrite = "settings:write";
    public const string SystemAdmin = "system:admin";
}
