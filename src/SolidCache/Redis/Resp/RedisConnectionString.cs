using System.Globalization;

namespace SolidCache.Redis.Resp;

/// <summary>Reads connection strings. Every refusal names the part, what is wrong with it and what would be right; none shows a password.</summary>
internal static class RedisConnectionString
{
    private const string Options = "user, password, database, ssl, ca, connectTimeout, commandTimeout, sentinelUser, sentinelPassword";

    public static RedisSettings Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        if (text.Length == 0) throw new FormatException("The connection string is empty; host:port would be one.");
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        var settings = scheme < 0 ? ParseList(text) : ParseAddress(text[..scheme], text[(scheme + 3)..]);
        if (settings.Topology == RedisTopology.Cluster && settings.Database != 0) throw new FormatException("A Redis Cluster has only database 0.");
        if (settings.User is not null && settings.Password is null) throw new FormatException("There is a user without a password.");
        if (settings.CertificateAuthorityFile is not null && !settings.UseTls) throw new FormatException("ca needs ssl=true, or rediss://.");
        return settings;
    }

    /// <summary><c>host:port,password=…</c></summary>
    private static RedisSettings ParseList(string text)
    {
        var (endpoints, settings) = (new List<RedisEndpoint>(), new RedisSettings());
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            try
            {
                if (equals < 0) endpoints.Add(Endpoint(part, RedisSettings.DefaultPort));
                else settings = With(settings, part[..equals], part[(equals + 1)..]);
            }
            catch (FormatException) when (settings.Password is not null || settings.SentinelPassword is not null)
            {
#pragma warning disable MA0054 // What was caught repeats what may be the rest of a password.
                throw new FormatException("After the password comes what is no server and no option that is known; a comma within a password needs the form redis://, as %2C.");
#pragma warning restore MA0054
            }
        }

        if (endpoints.Count == 0) throw new FormatException("No server is named; host:port would be one.");
        return settings with { Endpoints = endpoints };
    }

    /// <summary><c>scheme://[user:password@]hosts[/path][?options]</c></summary>
    private static RedisSettings ParseAddress(string scheme, string rest)
    {
        var settings = scheme switch
        {
            "redis" => new RedisSettings(),
            "rediss" => new RedisSettings { UseTls = true },
            "sentinel" => new RedisSettings { Topology = RedisTopology.Sentinel },
            "cluster" => new RedisSettings { Topology = RedisTopology.Cluster },
            _ => throw new FormatException($"The scheme '{scheme}' is unknown; redis, rediss, sentinel and cluster are known."),
        };
        var query = rest.IndexOf('?', StringComparison.Ordinal);
        var options = query < 0 ? "" : rest[(query + 1)..];
        if (query >= 0) rest = rest[..query];
        if (options.Contains('@', StringComparison.Ordinal) && !rest.Contains('@', StringComparison.Ordinal))
            throw new FormatException("There is an @ after a ?; a ? within a password is written as %3F, an @ within an option as %40.");
        // A password may hold an @ that nobody has escaped: the last one counts.
        var at = rest.LastIndexOf('@');
        if (at >= 0)
        {
            settings = WithUserInfo(settings, rest[..at]);
            rest = rest[(at + 1)..];
        }

        var path = rest.Split('/');
        var port = settings.Topology == RedisTopology.Sentinel ? RedisSettings.DefaultSentinelPort : RedisSettings.DefaultPort;
        settings = settings with { Endpoints = [.. path[0].Split(',', StringSplitOptions.TrimEntries).Select(host => Endpoint(host, port))] };
        if (settings.Topology == RedisTopology.Single && settings.Endpoints.Count > 1) throw new FormatException("redis:// names one server; several are sentinel:// or cluster://.");
        settings = WithPath(settings, [.. path[1..].Where(part => part.Length > 0)]);
        foreach (var option in options.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw new FormatException($"The option '{option}' has no value; name=value would be one.");
            settings = With(settings, option[..equals], Uri.UnescapeDataString(option[(equals + 1)..]));
        }

        return settings;
    }

    private static RedisSettings WithUserInfo(RedisSettings settings, string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        // redis-cli takes a lone word before the @ for the password.
        if (colon < 0) return settings with { Password = Uri.UnescapeDataString(text) };
        var user = Uri.UnescapeDataString(text[..colon]);
        return settings with { User = user.Length == 0 ? null : user, Password = Uri.UnescapeDataString(text[(colon + 1)..]) };
    }

    private static RedisSettings WithPath(RedisSettings settings, string[] path) => (settings.Topology, path) switch
    {
        (RedisTopology.Sentinel, [var master]) => settings with { MasterName = Uri.UnescapeDataString(master) },
        (RedisTopology.Sentinel, [var master, var database]) => settings with { MasterName = Uri.UnescapeDataString(master), Database = DatabaseOf(database) },
        (RedisTopology.Sentinel, _) => throw new FormatException("sentinel:// ends with the master's name, as the Sentinels know it: sentinel://host:26379/mymaster."),
        (_, []) => settings,
        (_, [var database]) => settings with { Database = DatabaseOf(database) },
        _ => throw new FormatException("After the server comes at most the number of a database."),
    };

    private static RedisSettings With(RedisSettings settings, string name, string value) => name.Trim().Replace("_", "", StringComparison.Ordinal).ToUpperInvariant() switch
    {
        "USER" or "USERNAME" => settings with { User = value.Length == 0 ? null : value },
        "PASSWORD" => settings with { Password = value },
        "SENTINELUSER" => settings with { SentinelUser = value },
        "SENTINELPASSWORD" => settings with { SentinelPassword = value },
        "DATABASE" or "DEFAULTDATABASE" or "DB" => settings with { Database = DatabaseOf(value) },
        "SSL" or "TLS" => settings with { UseTls = bool.TryParse(value, out var tls) ? tls : throw new FormatException($"ssl is true or false, not '{value}'.") },
        "CA" => settings with { CertificateAuthorityFile = value },
        "CONNECTTIMEOUT" => settings with { ConnectTimeout = Time("connectTimeout", value) },
        "COMMANDTIMEOUT" or "SYNCTIMEOUT" or "ASYNCTIMEOUT" => settings with { CommandTimeout = Time("commandTimeout", value) },
        _ => throw new FormatException($"The option '{name}' is unknown; {Options} are known."),
    };

    private static RedisEndpoint Endpoint(string text, int defaultPort)
    {
        var (host, port) = (text, defaultPort);
        var colon = text.LastIndexOf(':');
        // An IPv6 address has colons of its own and stands in brackets where a port follows.
        if (text.StartsWith('['))
        {
            var end = text.IndexOf(']', StringComparison.Ordinal);
            if (end < 0) throw new FormatException($"The server '{text}' has a bracket that does not end.");
            host = text[1..end];
            if (end + 1 < text.Length) port = Port(text, text[(end + 1)..].TrimStart(':'));
        }
        else if (colon >= 0 && text.IndexOf(':', StringComparison.Ordinal) == colon)
        {
            (host, port) = (text[..colon], Port(text, text[(colon + 1)..]));
        }

        return Uri.CheckHostName(host) != UriHostNameType.Unknown ? new RedisEndpoint(host, port) : throw new FormatException($"'{host}' is no name or address of a server.");
    }

    private static int Port(string server, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65535
            ? port
            : throw new FormatException($"The server '{server}' has the port '{text}'; ports are 1 to 65535.");

    private static int DatabaseOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var database) && database <= 1023
            ? database
            : throw new FormatException($"The database '{text}' is no number from 0 to 1023.");

    private static TimeSpan Time(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds is >= 10 and <= 60_000
            ? TimeSpan.FromMilliseconds(milliseconds)
            : throw new FormatException($"{name} is '{text}'; it is a number of milliseconds from 10 to 60000.");
}
