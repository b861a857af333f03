using System.Diagnostics.CodeAnalysis;
using System.Net.Mime;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AuthService.Client;
using Microsoft.AspNetCore.Http.Metadata;

namespace AuthService.Http;

/// <summary>
/// A small JSON body, for the routes that are asked thousands of times a second. The framework reads every body as one that comes in pieces; one that has arrived
/// whole, as nearly all of these have, is read here at once (<c>./dev bench http check</c>). Any other goes the framework's way. What is wrong with either is answered
/// as on every other route: <c>BadBodiesTests</c> hold this to it.
/// </summary>
/// <remarks>Nothing is validated: that is the endpoint's, which says <c>DisableValidation()</c>.</remarks>
internal sealed class SmallBody<T>(T value) : IBindableFromHttpContext<SmallBody<T>>, IEndpointParameterMetadataProvider where T : class
{
    /// <summary>Longer ones may well come in pieces.</summary>
    private const int MaxLength = 4_096;

    private static readonly JsonTypeInfo<T> Form = (JsonTypeInfo<T>)WireJson.Default.GetTypeInfo(typeof(T))!;

    public T Value { get; } = value;

    /// <returns>Null, which the framework answers with 400: the body is empty, or <c>null</c>.</returns>
    /// <exception cref="BadHttpRequestException">It can't be read: with the status to answer, and within it what the parser says.</exception>
    public static ValueTask<SmallBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        try
        {
            return TryReadAtOnce(context.Request, out var value) ? new ValueTask<SmallBody<T>?>(Of(value)) : ReadAsync(context);
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata([MediaTypeNames.Application.Json], typeof(T)));

    /// <returns>False: it has not arrived whole, or is none of those that are read here. Nothing is taken from it then.</returns>
    private static bool TryReadAtOnce(HttpRequest request, [MaybeNull] out T value)
    {
        value = null;
        if (request.ContentLength is not { } length || length is 0 or > MaxLength || request.ContentType is not ("application/json" or "application/json; charset=utf-8")) return false;
        var body = request.BodyReader;
        if (!body.TryRead(out var read)) return false;
        var bytes = read.Buffer;
        // The framework passes over a byte order mark.
        var isWhole = bytes.Length == length && bytes.IsSingleSegment && !read.IsCanceled && bytes.FirstSpan[0] != 0xEF;
        if (!isWhole)
        {
            body.AdvanceTo(bytes.Start);
            return false;
        }

        try
        {
            value = JsonSerializer.Deserialize(bytes.FirstSpan, Form);
            return true;
        }
        finally
        {
            body.AdvanceTo(bytes.End);
        }
    }

    private static async ValueTask<SmallBody<T>?> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType()) throw new BadHttpRequestException("Not JSON.", StatusCodes.Status415UnsupportedMediaType);
        try
        {
            return Of(await context.Request.ReadFromJsonAsync(Form, context.RequestAborted));
        }
        catch (JsonException e)
        {
            throw Malformed(e);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The body broke off.", e);
        }
    }

    private static SmallBody<T>? Of(T? value) => value is null ? null : new SmallBody<T>(value);

    private static BadHttpRequestException Malformed(JsonException e) => new("The body is malformed.", StatusCodes.Status400BadRequest, e);
}
