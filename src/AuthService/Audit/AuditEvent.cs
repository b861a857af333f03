using System.Diagnostics;
using System.Net;
using AuthService.Http;

namespace AuthService.Audit;

/// <summary>Who did what to whom. Never holds a secret.</summary>
internal sealed record AuditEvent
{
    public Guid Id { get; } = Guid.CreateVersion7();
    public required string Type { get; init; }
    public required string ActorType { get; init; }
    public long? ActorId { get; init; }
    public Guid? SessionId { get; init; }
    public string? TargetType { get; init; }
    public string? TargetId { get; init; }
    public string Outcome { get; init; } = AuditOutcome.Success;
    public string? Reason { get; init; }

    /// <summary>What changed, as a JSON object; names of members, old and new values where those are no secret.</summary>
    public string? Diff { get; init; }

    public IPAddress? Ip { get; init; }
    public string? UserAgent { get; init; }
    public string? RequestId { get; init; }

    /// <summary>W3C trace the call belongs to, where it is traced.</summary>
    public string? TraceId { get; init; }

    public static AuditEvent Of(string type, Caller caller) => new()
    {
        Type = type,
        ActorType = caller.ActorType,
        ActorId = caller.UserId,
        SessionId = caller.SessionId,
        Ip = caller.Ip,
        UserAgent = caller.UserAgent,
        RequestId = caller.RequestId,
        TraceId = Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.TraceId.ToHexString() : null,
    };

    public AuditEvent On(string targetType, long id) =>
        this with { TargetType = targetType, TargetId = id.ToString(System.Globalization.CultureInfo.InvariantCulture) };
}

internal static class AuditOutcome
{
    public const string Success = "success";
    public const string Failure = "failure";
}

/// <summary>The OWASP Logging Vocabulary, and what it has no word for.</summary>
internal static class AuditTypes
{
    public const string LoginSuccess = "authn_login_success";
    public const string LoginSuccessAfterFail = "authn_login_successafterfail";
    public const string LoginFail = "authn_login_fail";
    public const string LoginFailMax = "authn_login_fail_max";
    public const string LoginLock = "authn_login_lock";
    public const string PasswordChange = "authn_password_change";
    public const string PasswordChangeFail = "authn_password_change_fail";
    public const string TokenReuse = "authn_token_reuse";
    public const string SessionRenewed = "session_renewed";
    public const string SessionUseAfterExpire = "session_use_after_expire";
    public const string SessionLogout = "session_logout";
    public const string ExcessSessions = "excess_sessions_exceeded";
    public const string ExcessRateLimit = "excess_rate_limit_exceeded";
    public const string AuthzFail = "authz_fail";
    public const string AuthzChange = "authz_change";
    public const string AuthzAdmin = "authz_admin";
    public const string PermissionsChanged = "privilege_permissions_changed";
    public const string UserCreated = "user_created";
    public const string UserUpdated = "user_updated";
    public const string UserDeleted = "user_deleted";
    public const string ImportStarted = "import_started";
    public const string ImportFinished = "import_finished";
    public const string ExportRead = "export_read";
    public const string ConfigChanged = "config_changed";
    public const string WebhookChanged = "webhook_changed";
    public const string KeyRotated = "key_rotated";
    public const string KeyDistrusted = "key_distrusted";
    public const string AuditForgotten = "audit_forgotten";
    public const string Startup = "sys_startup";
    public const string Shutdown = "sys_shutdown";
}
