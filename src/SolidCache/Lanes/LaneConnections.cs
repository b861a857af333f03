using System.Globalization;
using Npgsql;

namespace SolidCache.Lanes;

/// <summary>The data sources behind the lanes, with the session settings they rely on.</summary>
internal sealed class LaneConnections : IAsyncDisposable
{
    private const int ServerTimeoutMs = 250;
    private const int SideTimeoutMs = 30_000;

    private static readonly SqlFile LimitTime = SqlFile.Beside<LaneConnections>("limit_time");

    /// <param name="connectionString">Npgsql's form. Pool sizes, time-outs and preparing written in it do not apply here.</param>
    /// <param name="lanes">How many connections the lanes hold.</param>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public LaneConnections(string connectionString, int lanes)
    {
        Lanes = Create("cache-lanes", connectionString, lanes, ServerTimeoutMs, commandTimeoutSeconds: 2);
        Side = Create("cache-side", connectionString, SideRuns.MaxConnections, SideTimeoutMs, commandTimeoutSeconds: 35);
        // The poll and the listener; the pruning and the upkeep now and then.
        Freshness = Create("cache-freshness", connectionString, 4, SideTimeoutMs, commandTimeoutSeconds: 2);
    }

    public NpgsqlDataSource Lanes { get; }

    public NpgsqlDataSource Side { get; }

    public NpgsqlDataSource Freshness { get; }

    public async ValueTask DisposeAsync()
    {
        await Lanes.DisposeAsync().ConfigureAwait(false);
        await Side.DisposeAsync().ConfigureAwait(false);
        await Freshness.DisposeAsync().ConfigureAwait(false);
    }

    /// <param name="name">In metrics and traces; without one the driver would show the connection string.</param>
    private static NpgsqlDataSource Create(string name, string connectionString, int connections, int serverTimeoutMs, int commandTimeoutSeconds)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Pooling = true,
            MinPoolSize = 0,
            MaxPoolSize = connections,
            ConnectionLifetime = 0,
            ConnectionIdleLifetime = 60,
            MaxAutoPrepare = 0,
            Multiplexing = false,
            // Ours are the only users, and what they set they set locally: a reset before each use would be a statement of its own.
            NoResetOnClose = true,
            CommandTimeout = commandTimeoutSeconds,
            CancellationTimeout = -1,   // a server that doesn't answer won't answer this either
            Enlist = false,
        };
        if (!settings.ShouldSerialize("Timeout")) settings.Timeout = 2;
        if (!settings.ShouldSerialize("Application Name")) settings.ApplicationName = "solid_cache";
        // What the driver itself asks when it opens a connection has this long; then the lanes' limit is set (LimitTimeAsync).
        // One plan for all: no parameter here makes another one better, and planning costs more than running. The plan may be made while
        // a table is empty or was never analyzed, when reading all of it seems cheapest, and is kept while the table grows.
        settings.Options = $"{settings.Options} -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off -c statement_timeout={SideTimeoutMs}".Trim();
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = name };
        if (serverTimeoutMs < SideTimeoutMs) builder.UsePhysicalConnectionInitializer(connection => LimitTimeAsync(connection, serverTimeoutMs).GetAwaiter().GetResult(), connection => LimitTimeAsync(connection, serverTimeoutMs));
        return builder.Build();
    }

    private static async Task LimitTimeAsync(NpgsqlConnection connection, int milliseconds)
    {
        var command = new NpgsqlCommand(LimitTime.Text, connection);
        await using var _ = command.ConfigureAwait(false);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = milliseconds.ToString(CultureInfo.InvariantCulture) });
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }
}
