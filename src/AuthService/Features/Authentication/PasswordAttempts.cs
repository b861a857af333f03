using System.Diagnostics.Metrics;
using AuthService.Audit;
using AuthService.Database;
using AuthService.Http;
using AuthService.Passwords;
using AuthService.Throttling;
using Npgsql;

namespace AuthService.Features.Authentication;

/// <summary>What a password is about to be compared with, and by which counters.</summary>
/// <param name="Counter">Of the account, or of the device or session that is known to be its own.</param>
/// <param name="Email">As the account has it, else as it was sent.</param>
/// <param name="IsStopped">The password does not work any more.</param>
internal sealed record PasswordTarget(CounterKey Counter, string Email, long? UserId, bool IsStopped)
{
    /// <summary>The account from this address: what a log-in of its owner elsewhere does not set back.</summary>
    public CounterKey? FromIp { get; init; }

    /// <summary>Whether a device that is known makes the attempt. It isn't limited by its address, which may be full of others.</summary>
    public bool IsKnownDevice { get; init; }

    /// <summary>Whether the last failure also makes devices unknown: where it is one of them that failed.</summary>
    public bool ForgetsDevices { get; init; }
}

/// <summary>
/// Rations looks at passwords (docs/throttling.md). Whatever is decided, the caller computes one hash and gives one answer, so that nobody learns which
/// accounts there are, or which are refused at the moment.
/// </summary>
internal sealed class PasswordAttempts(
    Counters counters, RateLimits limits, ThrottlingOptions options, PasswordOptions passwords, NpgsqlDataSource db, AuditTrail audit, TimeProvider clock)
{
    private static readonly SqlFile StopPassword = SqlFile.Beside<PasswordAttempts>("stop_password");
    private static readonly Meter Meter = new(Counters.MeterName);
    private static readonly Counter<long> Unseen = Meter.CreateCounter<long>("authservice.throttling.passwords_not_looked_at", "{attempt}", "Attempts answered as if the password were wrong.");
    private static readonly Counter<long> Stops = Meter.CreateCounter<long>("authservice.throttling.passwords_stopped", "{account}", "Passwords that stopped working after too many failures.");

    // Looks on other nodes end unheard of here.
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(50);

    private readonly LookRule _rule = new(options.AccountFailures, options.StopAfter, options.LongestDelay, options.FailureMemory);
    private TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiting;

    /// <summary>Before anything is read: what this node knows of the caller's address.</summary>
    public Problem? KnownOver(Caller caller) => limits.KnownOver(caller, limits.LogIns, limits.LogInFailures);

    /// <summary>Begins an attempt, which counts as failed until it has ended otherwise. Dispose it.</summary>
    /// <returns>429: the address is over its limit; 503: more attempts on one account at once than it has free.</returns>
    public async Task<Outcome<PasswordAttempt>> BeginAsync(PasswordTarget target, Caller caller, CancellationToken ct)
    {
        var attempt = new PasswordAttempt(this, target, caller);
        // Sent together with the looks that follow: one round trip.
        var counting = CountRequestAsync(target, caller);
        var verdict = await LookAsync(attempt, ct);
        (attempt.LogIns, attempt.IpFailures, var over) = await counting;
        if (over is null && verdict == Verdict.Busy) over = PasswordsProblems.Busy;
        if (over is not null)
        {
            await attempt.EndAsync(LookEnd.NotLooked, ct);
            return over;
        }

        if (target.IsStopped) verdict = Verdict.Refused;
        if (verdict == Verdict.Refused)
        {
            await attempt.GiveBackAsync();
            Unseen.Add(1);
        }

        attempt.MayLook = verdict == Verdict.May;
        return attempt;
    }

    private async ValueTask<(Tally LogIns, Tally? Failures, Problem? Over)> CountRequestAsync(PasswordTarget target, Caller caller)
    {
        if (target.IsKnownDevice)
        {
            var (tally, over) = await limits.CountAsync(limits.LogIns, target.Counter with { Kind = CounterKind.DeviceLogIns }, caller);
            return (tally, null, over);
        }

        var counting = limits.CountAsync(limits.LogIns, caller).AsTask();
        var failures = await limits.CountAsync(limits.LogInFailures, caller);
        var logIns = await counting;
        // A log-in counts where it is refused for having failed too often, but a failure it is not yet.
        return (logIns.Tally, failures.Problem is null ? failures.Tally : null, logIns.Problem ?? failures.Problem);
    }

    /// <summary>A look under each counter, or none. Where all free ones are under way, it waits until one has ended.</summary>
    private async Task<Verdict> LookAsync(PasswordAttempt attempt, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        while (true)
        {
            var ended = _ended.Task;   // before the question: an end between question and wait is not missed
            var verdict = await TryLookAsync(attempt);
            if (verdict != Verdict.Busy || clock.GetElapsedTime(began) >= passwords.QueueTimeout) return verdict;
            try
            {
                if (Interlocked.Increment(ref _waiting) > passwords.QueueLength) return verdict;
                await ended.WaitAsync(AskAgain, clock, ct);
            }
            catch (TimeoutException)
            {
                // Asked again all the same.
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }
    }

    private async Task<Verdict> TryLookAsync(PasswordAttempt attempt)
    {
        var target = attempt.Target;
        var own = counters.BeginLookAsync(target.Counter, _rule);
        if (target.FromIp is { } fromIp) attempt.Pair = await counters.BeginLookAsync(fromIp, _rule);
        attempt.Own = await own;
        var verdict = attempt.Pair is { } pair && pair.Verdict != Verdict.May && attempt.Own.Value.Verdict != Verdict.Refused ? pair.Verdict : attempt.Own.Value.Verdict;
        if (verdict != Verdict.May) await attempt.GiveBackAsync();
        return verdict;
    }

    internal async Task EndAsync(PasswordAttempt attempt, LookEnd end, CancellationToken ct)
    {
        try
        {
            if (end == LookEnd.Failed && attempt.Own is { } own) await FailedAsync(attempt, own, ct);
        }
        catch
        {
            // The stop is not stored: it is the next failure's to bring it.
            await SettleAsync(attempt, LookEnd.NotLooked);
            throw;
        }

        await SettleAsync(attempt, end);
    }

    private async Task SettleAsync(PasswordAttempt attempt, LookEnd end)
    {
        var pair = attempt.Pair is { Verdict: Verdict.May } two ? counters.EndLookAsync(attempt.Target.FromIp!.Value, two, end) : default;
        var ip = end != LookEnd.Failed && attempt.IpFailures is { } failure ? limits.UncountAsync(limits.LogInFailures, failure, attempt.Caller) : default;
        if (attempt.Own is { Verdict: Verdict.May } one) await counters.EndLookAsync(attempt.Target.Counter, one, end);
        await pair;
        await ip;
        (attempt.Own, attempt.Pair, attempt.IpFailures) = (null, null, end == LookEnd.Succeeded ? attempt.IpFailures : null);
        Interlocked.Exchange(ref _ended, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    internal async Task GiveBackAsync(PasswordAttempt attempt)
    {
        var pair = attempt.Pair is { Verdict: Verdict.May } two ? counters.EndLookAsync(attempt.Target.FromIp!.Value, two, LookEnd.NotLooked) : default;
        if (attempt.Own is { Verdict: Verdict.May } one) await counters.EndLookAsync(attempt.Target.Counter, one, LookEnd.NotLooked);
        await pair;
        (attempt.Own, attempt.Pair) = (null, null);
    }

    internal void Tell(PasswordAttempt attempt)
    {
        if (attempt.IpFailures is not { } failures)
        {
            RateLimits.Tell(attempt.Caller, (limits.LogIns, attempt.LogIns));
            return;
        }

        RateLimits.Tell(attempt.Caller, (limits.LogIns, attempt.LogIns), (limits.LogInFailures, failures with { Count = failures.Count - 1 }));
    }

    private async Task FailedAsync(PasswordAttempt attempt, Look own, CancellationToken ct)
    {
        var failed = AuditEvent.Of(AuditTypes.LoginFailMax, attempt.Caller) with { Outcome = AuditOutcome.Failure, Reason = attempt.Target.UserId is null ? "unknown" : null };
        if (attempt.Target.UserId is { } userId) failed = failed.On("user", userId);
        if (own.IsLastFree) audit.Record(failed);
        if (!own.IsLast) return;

        await using var command = StopPassword.On(db).With(attempt.Target.Email).With(attempt.Target.ForgetsDevices);
        if (await command.ExecuteScalarAsync(ct) is null) return;
        Stops.Add(1);
        audit.Record(failed with { Type = AuditTypes.LoginLock });
    }
}

/// <summary>One password that was sent. Until its end is known it counts as a wrong one.</summary>
internal sealed class PasswordAttempt(PasswordAttempts attempts, PasswordTarget target, Caller caller) : IAsyncDisposable
{
    private bool _hasEnded;

    public PasswordTarget Target => target;
    public Caller Caller => caller;

    /// <summary>False: the password is not compared with the account's, whatever it is. The work is done as if it were.</summary>
    public bool MayLook { get; set; }

    /// <summary>It was right, whatever comes of it: that the rest of a log-in fails is no failure of the password.</summary>
    public bool HasMatched { get; set; }

    public Look? Own { get; set; }
    public Look? Pair { get; set; }

    /// <summary>Looks that failed since the last that succeeded, or are under way at the same time. Until this one has ended.</summary>
    public int FailedBefore => Math.Max(0, (Own?.Failures ?? 1) - 1);

    public Tally LogIns { get; set; }
    public Tally? IpFailures { get; set; }

    public async Task EndAsync(LookEnd end, CancellationToken ct)
    {
        if (_hasEnded) return;
        _hasEnded = true;
        await attempts.EndAsync(this, end, ct);
        if (end == LookEnd.Succeeded) attempts.Tell(this);
    }

    public Task GiveBackAsync() => attempts.GiveBackAsync(this);

    /// <summary>An attempt that was broken off may have been a wrong password.</summary>
    public async ValueTask DisposeAsync() => await EndAsync(HasMatched ? LookEnd.NotLooked : LookEnd.Failed, CancellationToken.None);
}
