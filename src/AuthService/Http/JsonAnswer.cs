using System.Net.Mime;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AuthService.Client;
using Microsoft.AspNetCore.Http.Metadata;

namespace AuthService.Http;

/// <summary>
/// 200 with a small object, written whole and with its length. The framework's own result begins to send before it knows how long the answer becomes, which counts
/// where an answer is asked for thousands of times a second (<c>./dev bench http check</c>).
/// </summary>
internal sealed class JsonAnswer<T>(T value) : IResult, IEndpointMetadataProvider
{
    private static readonly JsonTypeInfo<T> Form = (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!;

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [MediaTypeNames.Application.Json]));

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, Form);
        var response = httpContext.Response;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body, 0, body.Length, httpContext.RequestAborted);
    }
}
