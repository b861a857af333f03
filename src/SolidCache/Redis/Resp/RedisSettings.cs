using System.Globalization;

namespace SolidCache.Redis.Resp;

/// <summary>What the servers of a connection string are to each other.</summary>
public enum RedisTopology
{
    /// <summary>One server; of several that are named the first that answers.</summary>
    Single,

    /// <summary>Sentinels, which know the master.</summary>
    Sentinel,

    /// <summary>Redis Cluster: masters that share the keys among them.</summary>
    Cluster,
}

/// <summary>A server's address.</summary>
/// <param name="Host">Name or address.</param>
/// <param name="Port">1 to 65,535.</param>
public readonly record struct RedisEndpoint(string Host, int Port)
{
    /// <summary><c>host:port</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}");
}

/// <summary>What a connection string says. Its text, without passwords, is <see cref="ToString"/>.</summary>
public sealed record RedisSettings
{
    internal const int DefaultPort = 6379;
    internal const int DefaultSentinelPort = 26379;

    /// <summary>The servers named, at least one; of Sentinels and clusters those that are asked for the others.</summary>
    public IReadOnlyList<RedisEndpoint> Endpoints { get; init; } = [];

    /// <summary>What they are to each other.</summary>
    public RedisTopology Topology { get; init; }

    /// <summary>The name under which Sentinels know the master; else null.</summary>
    public string? MasterName { get; init; }

    /// <summary>ACL user; null: the default one.</summary>
    public string? User { get; init; }

    /// <summary>Password of the user; null: none is needed.</summary>
    public string? Password { get; init; }

    /// <summary>ACL user at the Sentinels.</summary>
    public string? SentinelUser { get; init; }

    /// <summary>Password at the Sentinels.</summary>
    public string? SentinelPassword { get; init; }

    /// <summary>0 to 1,023; 0 in a cluster.</summary>
    public int Database { get; init; }

    /// <summary>Whether connections are encrypted, and the server's certificate checked.</summary>
    public bool UseTls { get; init; }

    /// <summary>File of certificates in PEM that are trusted instead of the system's; null: the system's.</summary>
    public string? CertificateAuthorityFile { get; init; }

    /// <summary>How long connecting may take, with all greetings. 10 ms to 1 min; default 2 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a command waits for its reply. 10 ms to 1 min; default 250 ms.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Reads <c>host[:port][,host:port][,user=…][,password=…][,ssl=true][,database=n]</c>, <c>redis://[user:password@]host[:port][/database]</c>,
    /// <c>rediss://…</c> (TLS), <c>sentinel://[user:password@]host[:port],…/master[/database]</c> or <c>cluster://[user:password@]host[:port],…</c>. Options
    /// follow in the first form after commas and in the others as <c>?name=value&amp;…</c>: <c>user, password, database, ssl, ca, connectTimeout,
    /// commandTimeout</c> (milliseconds), <c>sentinelUser, sentinelPassword</c>. In addresses <c>%40</c> stands for <c>@</c> and so on.
    /// </summary>
    /// <param name="text">The connection string.</param>
    /// <exception cref="FormatException">It can't be read; says which part and what would be right, and shows no password.</exception>
    public static RedisSettings Parse(string text) => RedisConnectionString.Parse(text);

    /// <summary>Without passwords.</summary>
    public override string ToString()
    {
        var scheme = Topology switch { RedisTopology.Sentinel => "sentinel", RedisTopology.Cluster => "cluster", _ => UseTls ? "rediss" : "redis" };
        return $"{scheme}://{string.Join(',', Endpoints)}{(MasterName is null ? "" : "/" + MasterName)}";
    }
}
