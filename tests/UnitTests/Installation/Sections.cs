using System.Reflection;
using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authentication;
using AuthService.Features.Authorization;
using AuthService.Features.Email;
using AuthService.Features.Events;
using AuthService.Http;
using AuthService.Jobs;
using AuthService.Outbound;
using AuthService.Passwords;
using AuthService.Telemetry;
using AuthService.Throttling;
using AuthService.Tokens;
using SessionOptions = AuthService.Features.Sessions.SessionOptions;   // the framework has one too

namespace UnitTests.Installation;

/// <summary>The sections of the configuration and the classes that hold them. A test looks for sections that are bound and not listed here.</summary>
internal static class Sections
{
    public static readonly IReadOnlyDictionary<string, Type> All = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["Audit"] = typeof(AuditOptions),
        ["Freshness"] = typeof(FreshnessOptions),
        ["PermissionCache"] = typeof(PermissionCacheOptions),
        ["SolidCache"] = typeof(CacheOptions),
        ["Database"] = typeof(DatabaseOptions),
        ["Events"] = typeof(EventOptions),
        ["Email"] = typeof(EmailOptions),
        ["Http"] = typeof(HttpOptions),
        ["Jobs"] = typeof(JobOptions),
        ["Outbound"] = typeof(OutboundOptions),
        ["Passwords"] = typeof(PasswordOptions),
        ["Registration"] = typeof(RegistrationOptions),
        ["Sessions"] = typeof(SessionOptions),
        ["Telemetry"] = typeof(TelemetryOptions),
        ["Throttling"] = typeof(ThrottlingOptions),
        ["Tokens"] = typeof(TokenOptions),
    };

    /// <summary>Keys that <c>appsettings.json</c> does not have: a secret belongs into no file that is copied about, and a path that is
    /// not set means "beside the data".</summary>
    public static readonly IReadOnlyList<string> NotInTheFile = ["Email:Folder", "Email:SmtpPassword", "SolidCache:MaxBytes", "SolidCache:RedisKeyPrefix", "Telemetry:OtlpHeaders", "Tokens:MasterKey", "Tokens:MasterKeyFile"];

    public static IEnumerable<PropertyInfo> Keys(Type options) => options.GetProperties().Where(p => p.CanWrite);
}
