using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace KestrelLimit;

// The members the service has, in its order.
internal sealed record CheckQuestion(string? Permission);
internal sealed record CheckAnswer(bool Allowed, string Revision);
internal sealed record RefreshQuestion(string? RefreshToken);
internal sealed record RefreshAnswer(string AccessToken, string RefreshToken, string TokenType, int ExpiresIn, string[] Roles, string[] Permissions);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CheckQuestion))]
[JsonSerializable(typeof(CheckAnswer))]
[JsonSerializable(typeof(RefreshQuestion))]
[JsonSerializable(typeof(RefreshAnswer))]
internal sealed partial class WireJson : JsonSerializerContext;

/// <summary>Small objects from a request and into an answer, with as little in between as there can be.</summary>
internal static class Wire
{
    public static ValueTask<T?> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> form) => JsonSerializer.DeserializeAsync(request.BodyReader, form);

    public static Task WriteAsync<T>(HttpResponse response, T value, JsonTypeInfo<T> form)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, form);
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body, 0, body.Length);
    }
}
