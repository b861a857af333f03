namespace AuthService.Database.PrivateServer;

/// <summary>What a caller may decide about a private PostgreSQL; the service itself takes the defaults.</summary>
internal sealed record PrivatePostgresParameters
{
    /// <summary>
    /// Server settings beside or instead of ours, by their PostgreSQL names. <c>fsync=off</c> also spares initdb its syncs. A server
    /// that is taken over keeps those it was started with.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Where root puts a cluster whose data folder the server's account can't reach.</summary>
    public string FallbackParent { get; init; } = "/var/lib/authservice";

    /// <summary>How long a start may take, crash recovery included, and how long a guest waits for the owner. Default 300 s.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a running server may not answer over its socket before it is restarted. Default 5 s.</summary>
    public TimeSpan UnreachableLimit { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>Why there is no private PostgreSQL. The message is meant for the operator and says what to do.</summary>
internal sealed class PrivatePostgresException(string message, Exception? cause = null) : Exception(message, cause);
