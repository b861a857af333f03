using System.ComponentModel.DataAnnotations;

namespace AuthService.Database;

/// <summary>
/// How the service uses PostgreSQL. Section <c>Database</c>; checked at start. What a connection string says itself wins over
/// the pool sizes and times here.
/// </summary>
internal sealed class DatabaseOptions
{
    /// <summary>
    /// Where a private PostgreSQL keeps its cluster when no connection string is given. Relative paths count from the current
    /// directory. Default <c>.data</c>.
    /// </summary>
    [Required(AllowEmptyStrings = false)]
    public string DataFolder { get; set; } = ".data";

    /// <summary>
    /// Apply pending migrations before serving. Default true. Off means that the schema isn't even looked at: the way to run an
    /// older binary on a newer database on purpose (see <see cref="Migrator"/>).
    /// </summary>
    public bool MigrateAtStart { get; set; } = true;

    /// <summary>
    /// Connections a pool keeps open once it has opened them. 0 to 1,000; default 10. Above <see cref="PoolMaximum"/> it counts as that.
    /// </summary>
    [Range(0, 1000)]
    public int PoolMinimum { get; set; } = 10;

    /// <summary>Most connections of one pool. 1 to 1,000; default 50.</summary>
    [Range(1, 1000)]
    public int PoolMaximum { get; set; } = 50;

    /// <summary>How long a connection above the minimum may idle before it is closed. Whole seconds, 10 s to 1 h; default 300 s.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan ConnectionIdleLifetime { get; set; } = TimeSpan.FromSeconds(300);

    /// <summary>Age at which a connection is closed when it comes back to the pool. Whole seconds, 0 (never) to 24 h; default 1,800 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan ConnectionLifetime { get; set; } = TimeSpan.FromSeconds(1800);

    /// <summary>How long the client waits for an answer to one command. Whole seconds, 1 s to 10 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a caller waits for a connection, from the pool or the server, before it is refused. Whole seconds, 1 s to 2 min;
    /// default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:02:00")]
    public TimeSpan AcquireTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>When the server itself ends a statement (<c>statement_timeout</c>). 0 (never) to 10 min; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A statement that takes at least this long is logged as a warning: its name, types and lengths of its parameters, never a value. 1 ms to 60 s; default 100 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan SlowStatement { get; set; } = TimeSpan.FromMilliseconds(100);
}
