namespace AuthService.Features.Authorization;

/// <summary>What one account may do, read from one state of the database.</summary>
/// <param name="Roles">Names, sorted.</param>
/// <param name="Permissions"><c>resource:action</c>, sorted ordinally.</param>
/// <param name="Revision">Opaque name of that state.</param>
internal sealed record UserRights(string[] Roles, string[] Permissions, string Revision)
{
    /// <summary>No for every name that isn't held, known or not.</summary>
    public bool Allow(string permission) => Permissions.AsSpan().Contains(permission);
}
