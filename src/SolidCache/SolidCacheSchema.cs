using System.Text;
using System.Text.RegularExpressions;

namespace SolidCache;

/// <summary>The tables and functions of the cache, for those who run their own migrations.</summary>
public static partial class SolidCacheSchema
{
    /// <summary>The version <see cref="Script"/> makes; the table <c>solid_cache_schema</c> says what a database has.</summary>
    public static int Version => Files.Length;

    internal static readonly SqlFile[] Files = [.. typeof(SolidCacheSchema).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith("Postgres/Schema/", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal)
        .Select(SqlFile.Read)];

    /// <summary>
    /// Brings a database to <see cref="Version"/>. Does nothing where that or a later version is installed, and needs no right to create
    /// anything then. Many may call it at once.
    /// </summary>
    /// <param name="db">The primary server.</param>
    /// <param name="schema">Name of the schema, as in <see cref="SolidCacheOptions.Schema"/>.</param>
    /// <param name="token">Cancels; nothing is left half done.</param>
    /// <exception cref="ArgumentException">The name is not one a schema may have here.</exception>
    /// <exception cref="Npgsql.PostgresException">The role may not create a schema, or a name is taken.</exception>
    public static Task InstallAsync(Npgsql.NpgsqlDataSource db, string schema = "solid_cache", CancellationToken token = default) =>
        Postgres.SchemaInstaller.EnsureAsync(db, schema, token);

    /// <summary>SQL that makes everything from <paramref name="fromVersion"/> on; run it in one transaction.</summary>
    /// <param name="schema">Name of the schema, as in <see cref="SolidCacheOptions.Schema"/>.</param>
    /// <param name="fromVersion">What the database has already. 0: nothing.</param>
    /// <param name="logged">Whether the entries outlive a crash of the server and are found on standbys, which doubles the cost of writing them. Only for a first installation.</param>
    /// <exception cref="ArgumentException">The name is not one a schema may have here.</exception>
    public static string Script(string schema = "solid_cache", int fromVersion = 0, bool logged = false)
    {
        CheckName(schema, nameof(schema));
        ArgumentOutOfRangeException.ThrowIfNegative(fromVersion);
        var script = new StringBuilder();
        foreach (var file in Files.Skip(fromVersion)) script.AppendLine(file.In(schema));
        if (logged && fromVersion == 0) script.AppendLine(SqlFile.Read("Postgres/log_entries.sql").In(schema));
        return script.ToString();
    }

    /// <exception cref="ArgumentException">Not a name: it would have to be escaped within texts, or PostgreSQL would cut it off.</exception>
    internal static void CheckName(string schema, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(schema, parameter);
        if (!Name().IsMatch(schema) || TagHash.CountBytes(schema, parameter) > MaxNameBytes)
            throw new ArgumentException($"A schema's name has letters, digits, '_' and '-', {MaxNameBytes} bytes in UTF-8 at most.", parameter);
    }

    private const int MaxNameBytes = 63;

    [GeneratedRegex(@"\A[\p{L}\p{Nd}_\-]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex Name();
}
