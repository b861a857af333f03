using System.Diagnostics.CodeAnalysis;

namespace AuthService;

/// <summary>A failure the caller is expected to meet, and what it is told. Anything else is an exception.</summary>
/// <param name="Code">Stable and never reused; <c>area.reason</c>. Clients branch on it.</param>
/// <param name="Status">HTTP status: 400 to 499, or 503.</param>
/// <param name="Title">One sentence for a person. May change; clients must not parse it.</param>
internal sealed record Problem(string Code, int Status, string Title)
{
    /// <summary>What exactly is wrong this time, where a sentence for all cases does not say it. Never a secret, never SQL.</summary>
    public string? Detail { get; init; }

    /// <summary>The members of the request that are at fault; empty where the request as a whole is.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];

    /// <summary>Seconds after which trying again makes sense; sent as <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>One member of a request body that was refused.</summary>
/// <param name="Pointer">JSON pointer (RFC 6901) to the member, such as <c>/email</c>.</param>
/// <param name="Code">Stable; clients branch on it.</param>
/// <param name="Detail">One sentence for a person.</param>
internal sealed record FieldError(string Pointer, string Code, string Detail);

/// <summary>Either a value or a <see cref="Problem"/>.</summary>
internal readonly struct Outcome<T> where T : notnull
{
    private readonly T? _value;
    private readonly Problem? _problem;

    private Outcome(T? value, Problem? problem) => (_value, _problem) = (value, problem);

    public static implicit operator Outcome<T>(T value) => new(value, null);
    public static Outcome<T> FromValue(T value) => new(value, null);
    public static implicit operator Outcome<T>(Problem problem) => new(default, problem);

    /// <summary>The only way to look inside, so no caller reaches the value without meeting the problem.</summary>
    public bool Failed([NotNullWhen(true)] out Problem? problem, [NotNullWhen(false)] out T? value)
    {
        (problem, value) = (_problem, _value);
        return problem is not null;
    }
}

internal static class Outcome
{
    /// <summary>For a <typeparamref name="T"/> that is an interface: the language has no implicit conversion from one.</summary>
    public static Outcome<T> Of<T>(T value) where T : notnull => Outcome<T>.FromValue(value);
}
