using System.Text.RegularExpressions;
using AuthService.Client;

namespace IntegrationTests.Http;

/// <summary>What every refusal must look like, whoever sends it and why.</summary>
internal static partial class Problems
{
    /// <summary>What would tell a stranger how the service is built (T74).</summary>
    private static readonly string[] Telling =
    [
        "   at ", "Exception", "StackTrace", "System.", "Microsoft.", "AuthService.", "Npgsql", "PostgreSQL", "Postgres", "Kestrel", "ASP.NET",
        "SELECT", "INSERT", "UPDATE ", "DELETE ", "FROM ", "$1", ".cs", ".sql", "dotnet", "10.0",
    ];

    /// <summary>The status is a 4xx (or the one given), the body a problem with a code, an id that equals <c>X-Request-ID</c>, and nothing about the inside.</summary>
    public static async Task<ProblemBody> RefusedAsync(HttpResponseMessage answer, string what, CancellationToken ct, int? status = null)
    {
        var text = await answer.Content.ReadAsStringAsync(ct);
        if (status is { } expected) Assert.True((int)answer.StatusCode == expected, $"{what}: {(int)answer.StatusCode} instead of {expected}: {text}");
        else Assert.True((int)answer.StatusCode is >= 400 and < 500, $"{what}: {(int)answer.StatusCode} {text}");
        Assert.True(answer.Content.Headers.ContentType?.MediaType == "application/problem+json", $"{what}: {answer.Content.Headers.ContentType} {text}");
        AssertTellsNothing(text, what);
        var problem = await answer.ProblemAsync(ct);
        Assert.Matches(Code(), problem.Code);
        Assert.Equal("urn:authservice:problem:" + problem.Code, problem.Type);
        Assert.Equal(Assert.Single(answer.Headers.GetValues("X-Request-ID")), problem.RequestId);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.True(answer.Headers.CacheControl?.NoStore, what);
        if ((int)answer.StatusCode == 401) Assert.NotEmpty(answer.Headers.WwwAuthenticate);
        return problem;
    }

    public static void AssertTellsNothing(string text, string what)
    {
        foreach (var word in Telling) Assert.False(text.Contains(word, StringComparison.Ordinal), $"{what}: the answer says '{word}': {text}");
    }

    [GeneratedRegex(@"^[a-z_]+\.[a-z_]+\z")]
    private static partial Regex Code();
}
