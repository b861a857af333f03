using System.Net.Mime;
using System.Reflection;
using System.Text.Json;
using AuthService.Client;
using Microsoft.AspNetCore.Http.Metadata;

namespace AuthService.Http;

/// <summary>Writes a <see cref="Problem"/> as RFC 9457 says. The only way an error leaves this service.</summary>
internal sealed class ProblemResult(Problem problem) : IResult, IEndpointMetadataProvider
{
    public const string ContentType = MediaTypeNames.Application.ProblemJson;

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status400BadRequest, typeof(ProblemBody), [ContentType]));

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = problem.Status;
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        if (problem.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = AccessProblems.Challenge(problem);
        if (problem.RetryAfterSeconds is { } seconds) response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);

        var body = new ProblemBody
        {
            Type = "urn:authservice:problem:" + problem.Code,
            Title = problem.Title,
            Status = problem.Status,
            Detail = problem.Detail,
            Instance = httpContext.Request.Path,
            Code = problem.Code,
            RequestId = httpContext.TraceIdentifier,
            Errors = problem.Errors.Count == 0 ? null : [.. problem.Errors.Select(e => new ProblemField(e.Pointer, e.Code, e.Detail))],
        };
        return JsonSerializer.SerializeAsync(response.Body, body, WireJson.Default.ProblemBody, httpContext.RequestAborted);
    }
}

internal static class ProblemResults
{
    public static ProblemResult ToHttp(this Problem problem) => new(problem);
}
