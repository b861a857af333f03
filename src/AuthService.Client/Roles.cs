using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>A role and what it permits.</summary>
public sealed record RoleInfo
{
    /// <summary>Number of the role.</summary>
    public required long Id { get; init; }

    /// <summary>Unique name.</summary>
    public required string Name { get; init; }

    /// <summary>What it is for, if said.</summary>
    public string? Description { get; init; }

    /// <summary>True for <c>admin</c> and <c>user</c>: neither can be renamed or deleted.</summary>
    public required bool IsSystem { get; init; }

    /// <summary>When the role was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Permissions of the role, as <c>resource:action</c>.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }
}

/// <summary>Body of <c>POST /api/v1/roles</c>.</summary>
public sealed record CreateRoleRequest
{
    /// <summary>1 to 64 letters, digits, <c>. _ -</c>, unique.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(64, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Name, ErrorMessage = FieldCodes.Format)]
    public string Name { get; init; } = "";

    /// <summary>Up to 500 characters.</summary>
    [StringLength(500, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? Description { get; init; }
}

/// <summary>Body of <c>PATCH /api/v1/roles/{id}</c>. A member that is absent or null stays as it is; an empty description clears it.</summary>
public sealed record UpdateRoleRequest
{
    /// <summary>1 to 64 letters, digits, <c>. _ -</c>, unique.</summary>
    [StringLength(64, MinimumLength = 1, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Name, ErrorMessage = FieldCodes.Format)]
    public string? Name { get; init; }

    /// <summary>Up to 500 characters.</summary>
    [StringLength(500, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? Description { get; init; }
}
