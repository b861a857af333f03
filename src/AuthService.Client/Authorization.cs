using System.ComponentModel.DataAnnotations;

namespace AuthService.Client;

/// <summary>One question: may this account do that? Body of <c>POST /api/v1/authz/check</c>.</summary>
public sealed record CheckRequest
{
    /// <summary>The account asked about; absent: the caller. For another account the caller needs <c>users:read</c>.</summary>
    [Range(1, long.MaxValue, ErrorMessage = FieldCodes.Range)]
    public long? UserId { get; init; }

    /// <summary><c>resource:action</c>. A name that is malformed or unknown is answered with no.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(256, ErrorMessage = FieldCodes.Length)]
    public string Permission { get; init; } = "";

    /// <summary>
    /// A revision from an earlier answer (<c>revision</c>, or <c>Authz-Revision</c> of a change): the answer is read from no older state. Absent: from
    /// a state that holds every change answered before the question was asked.
    /// </summary>
    [StringLength(1024, ErrorMessage = FieldCodes.Length)]
    public string? AtLeast { get; init; }

    /// <summary><c>full</c>: the node asks the database whether what it knows is current, instead of trusting its lease.</summary>
    [AllowedValues(null, "full", ErrorMessage = FieldCodes.Format)]
    public string? Consistency { get; init; }
}

/// <summary>The answer.</summary>
/// <param name="Allowed">Whether the account holds the permission now.</param>
/// <param name="Revision">Opaque: the state of the rights the answer was read from.</param>
public sealed record CheckResponse(bool Allowed, string Revision);

/// <summary>Body of <c>POST /api/v1/authz/check/batch</c>: 1 to 100 questions, answered from one state.</summary>
public sealed record BatchCheckRequest
{
    /// <summary>The questions.</summary>
    [Required(ErrorMessage = FieldCodes.Required), MinLength(1, ErrorMessage = FieldCodes.Length), MaxLength(100, ErrorMessage = FieldCodes.Length)]
    [EachRequired(ErrorMessage = FieldCodes.Required)]
    public IReadOnlyList<CheckRequest> Checks { get; init; } = [];

    /// <summary>As in <see cref="CheckRequest.AtLeast"/>, for all of them.</summary>
    [StringLength(1024, ErrorMessage = FieldCodes.Length)]
    public string? AtLeast { get; init; }
}

/// <summary>The answers, in the order of the questions.</summary>
/// <param name="Results">One for each question.</param>
/// <param name="Revision">Opaque: the state of the rights the answers were read from.</param>
public sealed record BatchCheckResponse(IReadOnlyList<bool> Results, string Revision);

/// <summary>What the caller may do. Answer of <c>GET /api/v1/me/permissions</c>.</summary>
/// <param name="UserId">Number of the account.</param>
/// <param name="Roles">Names of the roles held.</param>
/// <param name="Permissions">Permissions that follow, as <c>resource:action</c>.</param>
/// <param name="Revision">Opaque: the state of the rights this was read from.</param>
public sealed record RightsResponse(long UserId, IReadOnlyList<string> Roles, IReadOnlyList<string> Permissions, string Revision);

/// <summary>Why may an account do something, or not? Body of <c>POST /api/v1/authz/explain</c>.</summary>
public sealed record ExplainRequest
{
    /// <summary>The account asked about.</summary>
    [Required(ErrorMessage = FieldCodes.Required), Range(1, long.MaxValue, ErrorMessage = FieldCodes.Range)]
    public long? UserId { get; init; }

    /// <summary><c>resource:action</c>.</summary>
    [Required(ErrorMessage = FieldCodes.Required), StringLength(256, ErrorMessage = FieldCodes.Length)]
    public string Permission { get; init; } = "";
}

/// <summary>The answer, and what it rests on.</summary>
/// <param name="Allowed">Whether the account holds the permission now.</param>
/// <param name="Paths">The roles through which it does; empty where it doesn't.</param>
/// <param name="Roles">Every role the account holds.</param>
/// <param name="PermissionIsKnown">Whether there is a permission of this name.</param>
/// <param name="Tier">Where the answer came from: <c>memory</c> or <c>database</c>.</param>
/// <param name="AgeSeconds">How long ago it was read from the database; null where it was read just now.</param>
/// <param name="NodeLagSeconds">How long ago this node last asked what became invalid.</param>
/// <param name="Revision">The state the answer was read from, or a newer one.</param>
public sealed record ExplainResponse(
    bool Allowed, IReadOnlyList<PermissionPath> Paths, IReadOnlyList<string> Roles, bool PermissionIsKnown, string Tier, double? AgeSeconds, double? NodeLagSeconds, string Revision);

/// <summary>A role that an account holds and that holds the permission.</summary>
/// <param name="RoleId">Number of the role.</param>
/// <param name="Role">Its name.</param>
/// <param name="Permission">The permission.</param>
public sealed record PermissionPath(long RoleId, string Role, string Permission);
