namespace AuthService.Http;

/// <summary>What the HTTP layer itself refuses, before any feature is asked.</summary>
internal static class HttpProblems
{
    public static readonly Problem Malformed = new("http.malformed", 400, "The request can't be read.");
    public static readonly Problem MalformedJson = new("http.malformed_json", 400, "The body is not the JSON this call takes.");
    public static readonly Problem ConflictingCredentials = new("http.conflicting_credentials", 400, "The request carries two credentials; send one.");
    public static readonly Problem NotFound = new("http.not_found", 404, "Nothing is here.");
    public static readonly Problem MethodNotAllowed = new("http.method_not_allowed", 405, "This resource does not know that method.");
    public static readonly Problem BodyTimeout = new("http.body_timeout", 408, "The body did not arrive in time.");
    public static readonly Problem PreconditionFailed = new("http.precondition_failed", 412, "The object has changed since it was read; read it again.");
    public static readonly Problem TooLarge = new("http.too_large", 413, "The body is larger than this service takes.");
    public static readonly Problem UnsupportedMediaType = new("http.unsupported_media_type", 415, "Send the body as application/json.");
    public static readonly Problem Invalid = new("http.invalid", 422, "Some members of the request are not valid.");
    public static readonly Problem Unavailable = new("http.unavailable", 503, "The service can't answer just now.") { RetryAfterSeconds = 1 };

    /// <summary>A bug, not an outcome: the one problem with a status no use case may choose.</summary>
    public static readonly Problem Unexpected = new("http.unexpected", 500, "Something went wrong on our side.");

    /// <summary>The problem that stands for a bare status, as the framework's routing sets it.</summary>
    public static Problem ForStatus(int status) => status switch
    {
        404 => NotFound,
        405 => MethodNotAllowed,
        408 => BodyTimeout,
        413 => TooLarge,
        415 => UnsupportedMediaType,
        503 => Unavailable,
        < 500 => Malformed with { Status = status },
        _ => Unexpected,
    };
}
