using System.Collections.Concurrent;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Webhooks;

/// <summary>One page of a webhook's tries and how many there are, in one statement.</summary>
internal sealed class ListDeliveries(NpgsqlDataSource db, Cursors cursors)
{
    private static readonly SqlFile List = SqlFile.Beside<ListDeliveries>("list_deliveries");

    private static readonly Dictionary<string, ListOrder> Sorts = new(StringComparer.Ordinal) { ["at"] = new("d.id", "bigint") };
    private static readonly ConcurrentDictionary<Reading, SqlFile> Statements = new();

    /// <param name="sort"><c>-at</c> (default), newest first, or <c>at</c>.</param>
    public async Task<Outcome<Page<WebhookDelivery>>> ExecuteAsync(long id, string? sort, Paging paging, CancellationToken ct)
    {
        if (ListPart.Of(cursors, paging, sort ?? "-at", Sorts.Keys, $"webhook deliveries\n{id}").Failed(out var problem, out var part)) return problem;
        await using var command = Statements.GetOrAdd(part.Reading, static r => List.Fill("direction", r.Direction).Fill("place", r.PlaceIn(Sorts[r.Sort]))).On(db)
            .With(part.Key).With(part.Tie).With(part.Limit).With(part.Offset).With(paging.RowsForTotal).With(id);
        return await part.PageAsync(command, Read, ct) is { } page ? page : WebhooksProblems.NotFound;
    }

    private static WebhookDelivery Read(NpgsqlDataReader row) => new()
    {
        MessageId = row.GetGuid(4),
        Type = row.GetString(5),
        Try = row.GetInt32(6),
        At = row.GetFieldValue<DateTimeOffset>(7),
        Status = row.IsDBNull(8) ? null : row.GetInt32(8),
        DurationMs = row.GetInt64(9),
        Error = row.IsDBNull(10) ? null : row.GetString(10),
        ChangeId = row.IsDBNull(11) ? null : row.GetInt64(11),
    };
}
