namespace AuthService.Features.Roles;

/// <summary>The roles this service knows by name; seeded by <c>0002_roles.sql</c>, never renamed or deleted.</summary>
internal static class SystemRoles
{
    /// <summary>Holds every permission.</summary>
    public const string Administrator = "admin";

    /// <summary>Held by every account.</summary>
    public const string Everyone = "user";
}
