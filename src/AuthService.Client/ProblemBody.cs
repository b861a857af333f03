using System.Text.Json.Serialization;

namespace AuthService.Client;

/// <summary>What every 4xx and 5xx answer says (RFC 9457, <c>application/problem+json</c>).</summary>
public sealed record ProblemBody
{
    /// <summary>Stable URI of the kind of problem.</summary>
    public required string Type { get; init; }

    /// <summary>One sentence for a person; may change.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>What exactly is wrong this time, if there is more to say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Detail { get; init; }

    /// <summary>Path of the request.</summary>
    public required string Instance { get; init; }

    /// <summary>Stable; branch on this. All are listed in <c>docs/errors.md</c>.</summary>
    public required string Code { get; init; }

    /// <summary>Finds this request in the logs.</summary>
    public required string RequestId { get; init; }

    /// <summary>The members of the request that are at fault. Absent where the request as a whole is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ProblemField>? Errors { get; init; }
}

/// <summary>One member of the request that was refused.</summary>
/// <param name="Pointer">JSON pointer (RFC 6901), such as <c>/email</c>.</param>
/// <param name="Code">Stable; branch on this.</param>
/// <param name="Detail">One sentence for a person.</param>
public sealed record ProblemField(string Pointer, string Code, string Detail);
