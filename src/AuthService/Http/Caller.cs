using System.Net;
using System.Reflection;

namespace AuthService.Http;

/// <summary>Who makes this request, and from where. An anonymous caller has no <see cref="UserId"/>.</summary>
internal sealed record Caller
{
    private const int UserAgentMaxLength = 256;

    public long? UserId { get; init; }
    public Guid? SessionId { get; init; }

    /// <summary>When the user last proved who they are: the session's start.</summary>
    public DateTimeOffset? AuthTime { get; init; }

    public IPAddress? Ip { get; init; }
    public string? UserAgent { get; init; }

    /// <summary>What <c>Accept-Language</c> says, as it came: looked at only where something is written to this caller.</summary>
    public string? AcceptLanguage { get; init; }
    public required string RequestId { get; init; }

    /// <summary>What a change tells this caller besides the answer.</summary>
    public ChangeReceipt Receipt { get; init; } = ChangeReceipt.None;

    /// <summary>The signed-in account; only for endpoints whose access rule demands a session.</summary>
    public long SignedInUserId => UserId ?? throw new InvalidOperationException("This endpoint's access rule lets anonymous callers in.");

    /// <inheritdoc cref="SignedInUserId"/>
    public Guid SignedInSessionId => SessionId ?? throw new InvalidOperationException("This endpoint's access rule lets anonymous callers in.");

    /// <summary>What the audit trail calls this kind of caller.</summary>
    public string ActorType { get => field ?? (UserId is null ? "anonymous" : "user"); private init; }

    /// <summary>The command line, acting for its operator.</summary>
    public static Caller CommandLine { get; } = new() { RequestId = "cli", ActorType = "cli" };

    /// <summary>The service itself, doing what its configuration says.</summary>
    public static Caller Service { get; } = new() { RequestId = "system", ActorType = "system" };

    public static Caller Anonymous(HttpContext context) => new()
    {
        Ip = context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress,
        UserAgent = Printable(context.Request.Headers.UserAgent.ToString()),
        AcceptLanguage = context.Request.Headers.AcceptLanguage,
        RequestId = context.TraceIdentifier,
        Receipt = new ChangeReceipt(context),
    };

    /// <summary>The same caller, whose answer says nothing of a change: a log-in or refresh that ends a session on its way.</summary>
    public Caller WithoutReceipt() => this with { Receipt = ChangeReceipt.None };

    /// <summary>Lets endpoint handlers name a <see cref="Caller"/> parameter; found by the framework by its name.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context, ParameterInfo parameter) =>
        ValueTask.FromResult<Caller?>(context.Features.Get<Caller>() ?? Anonymous(context));

    /// <summary>What a client says of itself ends in tables and logs: one line, no control characters, bounded.</summary>
    private static string? Printable(string text)
    {
        if (text.Length == 0) return null;
        if (text.Length > UserAgentMaxLength) text = text[..UserAgentMaxLength];
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? '?' : source[i];
        });
    }
}
