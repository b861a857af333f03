using System.Net;
using AuthService.Audit;
using AuthService.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace IntegrationTests.Audit;

/// <summary>An audit trail without a node: events are written as changes write them, and sealed when a test says so.</summary>
internal sealed class SealedTrail(TestDatabase database)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

    public AuditSeals Seals { get; } = new(MasterKey.CreateRandom());
    public TestDatabase Database => database;

    public SealEvents NewSealer() => new(database.DataSource, Seals, TimeProvider.System, NullLogger<SealEvents>.Instance);

    /// <summary>In a transaction of their own, one in ten with every column, the others with what each kind has.</summary>
    public async Task AddAsync(int count, CancellationToken ct)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await AuditTrail.AppendAllAsync(transaction, [.. Enumerable.Range(0, count).Select(EventOf)], ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>Until every event has its seal. A transaction of another test's database holds that up, too.</summary>
    public async Task SealAsync(SealEvents sealer, CancellationToken ct) => await Eventually.TrueAsync(async () =>
    {
        await sealer.ExecuteOnceAsync(ct);
        return await UnsealedAsync(ct) == 0;
    }, Limit);

    public Task<long> UnsealedAsync(CancellationToken ct) =>
        database.ReadSqlAsync<long>("SELECT count(*) FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.event_id = e.id AND s.event_ts = e.ts)", ct);

    /// <summary>What is found, as <c>altered 3</c>: the kind and the number of the seal, or of which event where there is none.</summary>
    public async Task<(List<string> Findings, TrailReport Report)> VerifyAsync(CancellationToken ct, (long, byte[])? expected = null)
    {
        var found = new List<TrailFinding>();
        var report = await new VerifyTrail(database.DataSource, Seals).ExecuteAsync(expected, found.Add, static _ => { }, ct);
        Assert.Equal(found.Count, report.Findings);
        return (found.ConvertAll(f => f.Number is { } number ? $"{f.Kind} {number}" : $"{f.Kind} {f.EventId}"), report);
    }

    /// <summary>As somebody who rules the database: no trigger stands in the way.</summary>
    public async Task TamperAsync(string sql, CancellationToken ct, params object[] parameters)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var set = new NpgsqlCommand("SET LOCAL session_replication_role = replica", connection, transaction)) await set.ExecuteNonQueryAsync(ct);
        await using (var command = new NpgsqlCommand(sql, connection, transaction))
        {
            foreach (var parameter in parameters) command.Parameters.AddWithValue(parameter);
            Assert.True(await command.ExecuteNonQueryAsync(ct) != 0, sql);
        }

        await transaction.CommitAsync(ct);
    }

    private static AuditEvent EventOf(int n) => new()
    {
        Type = n % 2 == 0 ? "authz_change" : "user_updated",
        ActorType = "user",
        ActorId = n % 3 == 0 ? 7 : null,
        SessionId = n % 10 == 0 ? Guid.NewGuid() : null,
        TargetType = "user",
        TargetId = n.ToString(System.Globalization.CultureInfo.InvariantCulture),
        Reason = n % 4 == 0 ? "grant clerk" : null,
        Diff = n % 10 == 0 ? "{\"changed\":[\"phone\"]}" : null,
        Ip = n % 10 == 0 ? IPAddress.Parse("192.0.2.7") : null,
        UserAgent = n % 10 == 0 ? "browser" : null,
        RequestId = n % 10 == 0 ? "request-" + n : null,
        TraceId = n % 10 == 0 ? "0af7651916cd43dd8448eb211c80319c" : null,
    };
}
