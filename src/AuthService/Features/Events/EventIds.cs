using AuthService.Http;

namespace AuthService.Features.Events;

/// <summary>What a listener has been sent: everything this snapshot sees, in this incarnation of the database.</summary>
internal readonly record struct FeedPlace(Guid Epoch, string Snapshot);

/// <summary>Places as texts for <c>id:</c> and <c>Last-Event-ID</c>, authenticated: nobody else's text reaches the database as a snapshot.</summary>
internal sealed class EventIds(Cursors cursors)
{
    private const string Scope = "events";

    // A snapshot names every transaction that is under way, so thousands of writers make it long. Without an id a listener comes back to the one before.
    private const int LongestSnapshot = 4_000;

    /// <returns>Null: too long to be sent.</returns>
    public string? TextOf(FeedPlace place) => place.Snapshot.Length > LongestSnapshot ? null : cursors.Make(Scope, new Place(Way.After, place.Snapshot, place.Epoch.ToString("N")));

    public bool TryRead(string text, out FeedPlace place)
    {
        place = default;
        if (!cursors.TryRead(text, Scope, out var read)) return false;
        place = new FeedPlace(Guid.ParseExact(read.Tie, "N"), read.Key);
        return true;
    }
}
