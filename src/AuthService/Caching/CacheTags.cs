using System.Globalization;

namespace AuthService.Caching;

/// <summary>The names under which things are cached, and the tags that make them invalid. The triggers of <c>0007_invalidation.sql</c> write the same.</summary>
internal static class CacheTags
{
    /// <summary>Roles, permissions, and which role holds which.</summary>
    public const string Catalog = "catalog";

    /// <summary>The key of the compiled roles.</summary>
    public const string AllRoles = "roles:all";

    /// <summary>How the keys of an account's roles begin: the number follows.</summary>
    public const string RightsPrefix = "permissions:user:";

    /// <summary>Every account's rights, whoever it is.</summary>
    public const string AllRights = "all:rights";

    /// <summary>The compiled roles, as a group.</summary>
    public const string RolesGroup = "all:roles";

    /// <summary>Whatever is cached.</summary>
    public const string Everything = "all";

    /// <summary>How the keys of sessions begin: the id follows. The key is the session's tag as well.</summary>
    public const string SessionPrefix = "session:";

    /// <summary>How the keys of profiles begin: the number follows.</summary>
    public const string ProfilePrefix = "user_profile:";

    /// <summary>How the keys of settings begin: the name follows. The key is the setting's tag as well.</summary>
    public const string SettingPrefix = "settings:";

    /// <summary>How the keys of verified access tokens begin: the token's SHA-256 follows.</summary>
    public const string TokenPrefix = "token:";

    /// <summary>How the keys that say whether a signing key is trusted begin: its <c>kid</c> follows. The key is a tag as well.</summary>
    public const string KeyPrefix = "kid:";

    /// <summary>What an account may do, and whether it may do anything.</summary>
    public static string User(long id) => string.Create(CultureInfo.InvariantCulture, $"user:{id}");

    /// <summary>What an account says of itself.</summary>
    public static string Profile(long id) => string.Create(CultureInfo.InvariantCulture, $"profile:{id}");

    public static string Session(Guid id) => string.Create(CultureInfo.InvariantCulture, $"{SessionPrefix}{id}");

    public static string ProfileKey(long id) => string.Create(CultureInfo.InvariantCulture, $"{ProfilePrefix}{id}");

    public static string Setting(string name) => SettingPrefix + name;

    public static string SigningKey(string kid) => KeyPrefix + kid;
}
