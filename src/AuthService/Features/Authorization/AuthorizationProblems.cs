namespace AuthService.Features.Authorization;

internal static class AuthorizationProblems
{
    /// <summary>Forged, cut, of another installation, or of its database before a crash or restore: ask without it.</summary>
    public static readonly Problem RevisionNotValid = new("authz.revision_not_valid", 400, "The revision is not one of this installation, or its database has begun anew since.");
}
