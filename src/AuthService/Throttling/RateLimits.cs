using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;
using AuthService.Audit;
using AuthService.Http;

namespace AuthService.Throttling;

/// <summary>A limit that clients are told about: its name in the headers, its counter, its rule.</summary>
internal sealed class RateLimit(string name, CounterKind kind, WindowRule rule)
{
    public WindowRule Rule => rule;

    /// <summary>An item of <c>RateLimit-Policy</c>.</summary>
    public string Policy { get; } = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={rule.Limit};w={Math.Max(1, (long)rule.Window.TotalSeconds)}");

    /// <summary>An item of <c>RateLimit</c> while nothing is counted.</summary>
    public string Untouched { get; } = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r={rule.Limit}");

    public KeyValuePair<string, object?> Label { get; } = new("limit", name);

    public string Name => name;

    public CounterKey Of(Caller caller) => new(kind, ClientNetwork.Of(caller.Ip));

    /// <summary>An item of <c>RateLimit</c>: what is left, and for how many seconds.</summary>
    public string State(Tally tally) => tally.Count == 0 ? Untouched
        : string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r={Math.Max(0, tally.Rule.Limit - tally.Count)};t={Seconds(tally)}");

    public static int Seconds(Tally tally) => Math.Max(1, (int)Math.Ceiling(tally.EndsIn.TotalSeconds));
}

/// <summary>
/// What one client address, or one session, may do: the only limits that are answered 429, with the headers of draft-ietf-httpapi-ratelimit-headers-10.
/// Refusals say nothing of accounts.
/// </summary>
internal sealed class RateLimits(Counters counters, ThrottlingOptions options, AuditTrail audit)
{
    private static readonly Meter Meter = new(Counters.MeterName);
    private static readonly Counter<long> Refused = Meter.CreateCounter<long>("authservice.throttling.refused", "{request}", "Requests answered 429, by limit.");

    private readonly RateLimit _refreshFailures = new("refresh-failures", CounterKind.RefreshFailures, new(options.RefreshFailuresPerIp, options.Window));
    private readonly RateLimit _sessionRefreshes = new("session-refreshes", CounterKind.SessionRefreshes, new(options.RefreshesPerSession, options.Window));

    private readonly RateLimit _mailTokenFailures = new("mail-token-failures", CounterKind.MailTokenFailures, new(options.MailTokenFailuresPerIp, options.Window));

    public RateLimit LogIns { get; } = new("logins", CounterKind.LogIns, new(options.LogInsPerIp, options.Window));
    public RateLimit LogInFailures { get; } = new("login-failures", CounterKind.LogInFailures, new(options.FailuresPerIp, options.Window));
    public RateLimit Registrations { get; } = new("registrations", CounterKind.Registrations, new(options.RegistrationsPerIp, options.RegistrationWindow));

    public RateLimit MailRequests { get; } = new("mail-requests", CounterKind.MailRequests, new(options.MailRequestsPerIp, options.RegistrationWindow));

    /// <summary>What this node knows already; asks nobody.</summary>
    public Problem? KnownOver(Caller caller, params ReadOnlySpan<RateLimit> limits)
    {
        foreach (var limit in limits)
        {
            if (counters.Peek(limit.Of(caller), limit.Rule) is { IsOver: true } over) return Refuse(limit, over, caller);
        }

        return null;
    }

    /// <summary>One more of these; null where the limit is not reached.</summary>
    public ValueTask<(Tally Tally, Problem? Problem)> CountAsync(RateLimit limit, Caller caller) => CountAsync(limit, limit.Of(caller), caller);

    /// <param name="key">Of somebody else than the caller's address.</param>
    public async ValueTask<(Tally Tally, Problem? Problem)> CountAsync(RateLimit limit, CounterKey key, Caller caller)
    {
        var tally = await counters.CountAsync(key, limit.Rule);
        return (tally, tally.IsOver ? Refuse(limit, tally, caller) : null);
    }

    public ValueTask UncountAsync(RateLimit limit, Tally tally, Caller caller) => counters.UncountAsync(limit.Of(caller), tally);

    /// <summary>Tells a client whose request was done what it has left.</summary>
    public static void Tell(Caller caller, params ReadOnlySpan<(RateLimit Limit, Tally Tally)> limits)
    {
        if (!caller.Receipt.IsRequest) return;
        var (policies, states) = (new List<string>(limits.Length), new List<string>(limits.Length));
        foreach (var (limit, tally) in limits)
        {
            policies.Add(limit.Policy);
            states.Add(limit.State(tally));
        }

        caller.Receipt.SetRateLimits(string.Join(", ", policies), string.Join(", ", states));
    }

    /// <summary>One more of an authentic token's session, on this node.</summary>
    public Problem? CountRefresh(Guid sessionId, Caller caller)
    {
        Span<byte> bytes = stackalloc byte[16];
        sessionId.TryWriteBytes(bytes);
        var key = new CounterKey(CounterKind.SessionRefreshes, MemoryMarshal.Read<UInt128>(bytes));
        var tally = counters.Local.Count(key, _sessionRefreshes.Rule);
        if (tally.IsOver) return Refuse(_sessionRefreshes, tally, caller with { SessionId = sessionId });
        caller.Receipt.SetRateLimits(_sessionRefreshes.Policy, _sessionRefreshes.State(tally));
        return null;
    }

    /// <summary>A refresh token was worth nothing. A good one is never refused for what its address sends besides: it can't be guessed, and others may share the address.</summary>
    /// <param name="answer">What the client is told as long as its address is within its limit. Without the headers of one.</param>
    public ValueTask<Problem> RefreshFailedAsync(Problem answer, Caller caller) => FailedAsync(_refreshFailures, answer, caller);

    /// <summary>A token out of a mail was worth nothing.</summary>
    /// <inheritdoc cref="RefreshFailedAsync"/>
    public ValueTask<Problem> MailTokenFailedAsync(Problem answer, Caller caller) => FailedAsync(_mailTokenFailures, answer, caller);

    private async ValueTask<Problem> FailedAsync(RateLimit limit, Problem answer, Caller caller)
    {
        var (_, over) = await CountAsync(limit, caller);
        if (over is not null) return over;
        caller.Receipt.ClearRateLimits();
        return answer;
    }

    private Problem Refuse(RateLimit limit, Tally tally, Caller caller)
    {
        Refused.Add(1, limit.Label);
        if (tally.IsFirstOver) audit.Record(AuditEvent.Of(AuditTypes.ExcessRateLimit, caller) with { Outcome = AuditOutcome.Failure, Reason = limit.Name });
        caller.Receipt.SetRateLimits(limit.Policy, limit.State(tally));
        return ThrottlingProblems.TooManyRequests with { RetryAfterSeconds = RateLimit.Seconds(tally) };
    }
}
