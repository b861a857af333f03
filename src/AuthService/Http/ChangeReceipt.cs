using Microsoft.Extensions.Primitives;

namespace AuthService.Http;

/// <summary>
/// What a call tells its client besides the answer: after a change <c>Authz-Revision</c>, with which any node answers from no older state, and, where
/// the client asked not to wait (<c>Prefer: respond-async</c>, RFC 7240), 202; and what it may do still, where that is limited.
/// </summary>
internal sealed class ChangeReceipt(HttpContext? context)
{
    public const string RevisionHeader = "Authz-Revision";

    /// <summary>For callers that are no HTTP request.</summary>
    public static ChangeReceipt None { get; } = new(context: null);

    /// <summary>Whether the client takes an answer before all nodes have heard of the change.</summary>
    public bool MayAnswerEarly { get; } = context is not null && Prefers(context.Request.Headers["Prefer"]);

    public bool TakesRevision => context is not null;

    public void SetRevision(string token)
    {
        if (context is not null) context.Response.Headers[RevisionHeader] = token;
    }

    /// <summary>Whether there is a client to tell anything.</summary>
    public bool IsRequest => context is not null;

    /// <summary>What the client may do still.</summary>
    public void SetRateLimits(StringValues policies, StringValues states)
    {
        if (context is null) return;
        context.Response.Headers["RateLimit-Policy"] = policies;
        context.Response.Headers["RateLimit"] = states;
    }

    public void ClearRateLimits()
    {
        if (context is null) return;
        context.Response.Headers.Remove("RateLimit-Policy");
        context.Response.Headers.Remove("RateLimit");
    }

    /// <summary>The answer, if it is one of success, becomes 202: the change is made, and nodes are still learning of it.</summary>
    public void AnswerEarly()
    {
        if (context is null) return;
        var response = context.Response;
        response.OnStarting(() =>
        {
            if (response.StatusCode is < 200 or > 299) return Task.CompletedTask;
            response.StatusCode = StatusCodes.Status202Accepted;
            response.Headers["Preference-Applied"] = "respond-async";
            return Task.CompletedTask;
        });
    }

    private static bool Prefers(StringValues preferences)
    {
        foreach (var line in preferences)
        {
            foreach (var preference in (line ?? "").Split(','))
            {
                if (preference.Split(';')[0].Trim().Equals("respond-async", StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }
}
