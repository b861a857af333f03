namespace AuthService.Features.Roles;

internal static class RolesProblems
{
    public static readonly Problem NotFound = new("roles.not_found", 404, "No such role.");
    public static readonly Problem NameTaken = new("roles.name_taken", 409, "Another role has this name.");

    /// <summary>The service relies on <c>admin</c> holding everything and on both names.</summary>
    public static readonly Problem SystemRole = new("roles.system_role", 409, "This role is part of the service and can't be changed like this.");
}
