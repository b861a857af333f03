using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Sessions;
using AuthService.Http;
using Npgsql;
using SolidCache.Lanes;

namespace AuthService.Features.Events;

/// <summary>One listener's stream: what it has missed, then what happens, until it leaves, may not listen any more, or falls too far behind.</summary>
internal sealed class ListenToChanges(NpgsqlDataSource db, ChangeFeed feed, EventIds ids, LiveSessions sessions, Rights rights)
{
    public const string ContentType = "text/event-stream";

    // Of parts that are kept for a listener. It comes back with the last id it was sent.
    private const int FarthestBehind = 1_000;

    private static readonly SqlFile CatchUp = SqlFile.Beside<ListenToChanges>("catch_up");
    private static readonly byte[] Hello = "retry: 2000\n"u8.ToArray();

    /// <summary>A place among the listeners of this node.</summary>
    public Outcome<Listener> Enter(string? lastEventId)
    {
        FeedPlace since = default;
        if (!string.IsNullOrEmpty(lastEventId) && !ids.TryRead(lastEventId, out since)) return EventsProblems.IdNotValid;
        if (feed.TryEnter() is not { } seat) return EventsProblems.TooManyListeners;
        return new Listener(since, seat);
    }

    /// <exception cref="OperationCanceledException">The client has left, or the node stops.</exception>
    public async Task WriteAsync(Listener listener, Caller caller, Stream output, CancellationToken ct)
    {
        var part = await feed.JoinAsync(ct);
        var first = await MissedAsync(listener.Since, part.Place, ct);
        await output.WriteAsync(Hello, ct);
        await output.WriteAsync(first, ct);
        await output.FlushAsync(ct);

        while (await part.Next.WaitAsync(ct) is { } next)
        {
            // Asked of memory; both answers are never older than the last change that was told done.
            if (!await MayListenAsync(caller, ct)) return;
            if (feed.Newest - next.Number > FarthestBehind) return;
            await output.WriteAsync(next.Text, ct);
            await output.FlushAsync(ct);   // waits for a client that is slow
            part = next;
        }
    }

    private async Task<byte[]> MissedAsync(FeedPlace since, FeedPlace now, CancellationToken ct)
    {
        if (since.Snapshot is null || since == now) return feed.Heartbeat(now);
        if (since.Epoch != now.Epoch) return feed.Reset(now, "restarted");

        await using var command = CatchUp.On(db).With(since.Snapshot).With(now.Snapshot).With(ChangeFeed.MostChanges + 1);
        await using var row = await command.ExecuteReaderAsync(ct);
        var changes = new List<string>();
        while (await row.ReadAsync(ct))
        {
            if (!row.GetBoolean(0)) return feed.Reset(now, "expired");
            if (!row.IsDBNull(1)) changes.Add(row.GetString(2));
        }

        if (changes.Count > ChangeFeed.MostChanges) return feed.Reset(now, "too_many");
        return changes.Count == 0 ? feed.Heartbeat(now) : feed.TextOf(now, changes);
    }

    private async Task<bool> MayListenAsync(Caller caller, CancellationToken ct)
    {
        try
        {
            return await sessions.FindAsync(caller.SignedInSessionId, ct) is not null && (await rights.OfAsync(caller.SignedInUserId, ct)).Allow(OwnPermissions.AuditRead);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or LaneFullException)
        {
            return false;   // nobody can tell now; it comes back with the id it has
        }
    }

    /// <param name="Since">What it was sent before; nothing of a kind: it begins now.</param>
    /// <param name="Seat">Dispose it when the stream has ended.</param>
    internal readonly record struct Listener(FeedPlace Since, IDisposable Seat);
}
