using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>A permission that roles can hold.</summary>
public sealed record PermissionInfo
{
    /// <summary>Number of the permission.</summary>
    public required long Id { get; init; }

    /// <summary><c>resource:action</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What is acted upon.</summary>
    public required string Resource { get; init; }

    /// <summary>What is done to it.</summary>
    public required string Action { get; init; }

    /// <summary>What it permits, if said.</summary>
    public string? Description { get; init; }

    /// <summary>True for those this service asks for itself: they can't be renamed or deleted.</summary>
    public required bool IsSystem { get; init; }

    /// <summary>When the permission was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Body of <c>POST /api/v1/permissions</c>. The role <c>admin</c> holds the new permission at once.</summary>
public sealed record CreatePermissionRequest
{
    /// <summary>1 to 64 letters, digits, <c>. _ -</c>.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(64, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Name, ErrorMessage = FieldCodes.Format)]
    public string Resource { get; init; } = "";

    /// <summary>1 to 64 letters, digits, <c>. _ -</c>.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(64, ErrorMessage = FieldCodes.Length)]
    [RegularExpression(Patterns.Name, ErrorMessage = FieldCodes.Format)]
    public string Action { get; init; } = "";

    /// <summary>Up to 500 characters.</summary>
    [StringLength(500, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? Description { get; init; }
}

/// <summary>Body of <c>PATCH /api/v1/permissions/{id}</c>. A member that is absent or null stays as it is; an empty description
/// clears it. A new name gives a new right to every holder, so it takes <c>system:admin</c>.</summary>
public sealed record UpdatePermissionRequest
{
    /// <summary>1 to 64 letters, digits, <c>. _ -</c>.</summary>
    [StringLength(64, MinimumLength = 1, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Name, ErrorMessage = FieldCodes.Format)]
    public string? Resource { get; init; }

    /// <summary>1 to 64 letters, digits, <c>. _ -</c>.</summary>
    [StringLength(64, MinimumLength = 1, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Name, ErrorMessage = FieldCodes.Format)]
    public string? Action { get; init; }

    /// <summary>Up to 500 characters.</summary>
    [StringLength(500, ErrorMessage = FieldCodes.Length), RegularExpression(Patterns.Line, ErrorMessage = FieldCodes.Format)]
    public string? Description { get; init; }
}
