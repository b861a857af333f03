using System.Buffers.Text;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;

namespace AuthService.Http;

/// <summary>The version of an object, as <c>ETag</c> and <c>If-Match</c> carry it: a change asked for against an older version is refused.</summary>
/// <param name="Version">Null: the client did not ask, or asked for any version.</param>
internal sealed record IfMatch(long? Version)
{
    /// <summary>Lets endpoint handlers name an <see cref="IfMatch"/> parameter; found by the framework by its name.</summary>
    public static ValueTask<IfMatch?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var text = context.Request.Headers.IfMatch.ToString();
        if (text.Length == 0 || text == "*") return ValueTask.FromResult<IfMatch?>(new IfMatch((long?)null));
        if (text is ['"', .. var digits, '"'] && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            return ValueTask.FromResult<IfMatch?>(new IfMatch(version));
        }

        return ValueTask.FromResult<IfMatch?>(new IfMatch(-1));   // a tag we never gave matches nothing
    }
}

internal static class ETags
{
    private const int HashBytes = 16;

    /// <summary>A tag for an answer by what it says.</summary>
    public static string Of(ReadOnlySpan<byte> body) => $"\"{Base64Url.EncodeToString(SHA256.HashData(body).AsSpan(0, HashBytes))}\"";

    /// <summary>A tag for an object by its version.</summary>
    public static string Of(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");

    public static void SetVersion(this HttpResponse response, long version) => response.Headers.ETag = Of(version);
}
