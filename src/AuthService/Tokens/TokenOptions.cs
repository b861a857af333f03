using System.ComponentModel.DataAnnotations;

namespace AuthService.Tokens;

/// <summary>What access tokens say, how long they live, and the keys that sign them. Section <c>Tokens</c>.</summary>
internal sealed class TokenOptions
{
    /// <summary>
    /// The service's own address as clients see it; claim <c>iss</c>. Others fetch the public keys below it. An absolute URL
    /// without a trailing slash; default <c>http://127.0.0.1:8080</c>. Changing it makes every access token in use invalid.
    /// </summary>
    [Required, Url, StringLength(512), RegularExpression(".*[^/]$", ErrorMessage = "Issuer has no trailing slash.")]
    public string Issuer { get; set; } = "http://127.0.0.1:8080";

    /// <summary>Who the tokens are meant for; claim <c>aud</c>. 1 to 200 characters; default <c>authservice</c>.</summary>
    [Required, StringLength(200, MinimumLength = 1)]
    public string Audience { get; set; } = "authservice";

    /// <summary>The client they are issued to; claim <c>client_id</c>. 1 to 200 characters; default <c>authservice</c>.</summary>
    [Required, StringLength(200, MinimumLength = 1)]
    public string ClientId { get; set; } = "authservice";

    /// <summary>
    /// Life of an access token. 1 min to 1 h; default 15 min. Not how long a revoked session goes on: the service itself asks
    /// for the session on every request. Services that only check the signature trust a token for this long.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "01:00:00")]
    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Whether tokens list the user's permissions, for other services to read; default true. This one never trusts them.</summary>
    public bool IncludePermissions { get; set; } = true;

    /// <summary>
    /// Users with more permissions than this get the claim <c>permissions_ref</c>, the path to ask at, instead of the list.
    /// 0 to 500; default 100. Also applies where a token would become longer than 16 KiB.
    /// </summary>
    [Range(0, 500)]
    public int MaxPermissionsInToken { get; set; } = 100;

    /// <summary>Age at which the signing key is replaced by itself. 1 d to 365 d; default 30 d.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "365.00:00:00")]
    public TimeSpan KeyRotationInterval { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How long others may keep the public keys (<c>Cache-Control: max-age</c>). 0 s to 1 d; default 5 min. A key is public
    /// for at least this long before it signs.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan JwksMaxAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How often a node reads the keys anew: a rotated or distrusted key takes effect this fast. 100 ms to 10 s; default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:00:10")]
    public TimeSpan KeyReloadInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Clock difference that other verifiers may allow for: replaced keys stay public this much longer. 0 s to 5 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan VerifyLeeway { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// File with the master key: 32 bytes in base64, readable by its owner alone. Default: none, which means
    /// <c>master.key</c> in the data folder, made at the first start. Every node needs the same key.
    /// </summary>
    public string? MasterKeyFile { get; set; }

    /// <summary>The master key itself, 32 bytes in base64; meant for the environment. Wins over the file. Default: none.</summary>
    public string? MasterKey { get; set; }

    /// <summary>
    /// How long a replaced key stays in use for verifying: the longest life a token can have under any configuration, what
    /// verifiers allow for, and how long a node that has lost the database may still sign with the old key.
    /// </summary>
    internal TimeSpan VerifyWindow => TimeSpan.FromHours(1) + VerifyLeeway + SigningKeyRing.StalenessLimit;
}
