namespace AuthService.Features.Permissions;

internal static class PermissionsProblems
{
    public static readonly Problem NotFound = new("permissions.not_found", 404, "No such permission.");
    public static readonly Problem NameTaken = new("permissions.name_taken", 409, "There is a permission with this resource and action.");

    /// <summary>The service's own endpoints ask for it by name.</summary>
    public static readonly Problem SystemPermission =
        new("permissions.system_permission", 409, "This permission is part of the service and can't be renamed or deleted.");
}
