using System.Globalization;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Authorization;
using Npgsql;
using SolidCache;
using SolidCache.Lanes;
using SolidCache.Loading;

namespace AuthService.Features.Sessions;

/// <summary>What a request must know of the session its token names.</summary>
internal sealed record LiveSession(long UserId, DateTimeOffset AuthTime, bool PasswordIsTemporary);

/// <summary>
/// Answers "does this session still live?" on every request that carries an access token, from memory. Log-out and the like make the answer
/// invalid on every node before they are done; that a session has expired is never answered from memory, because a refresh prolongs it.
/// </summary>
internal sealed class LiveSessions(TieredCache cache, LaneSet lanes, PermissionCacheOptions options, TimeProvider clock)
{
    private readonly BatchedCall<Guid, FoundSession?> _find = lanes.Add(new FindSessions());

    /// <returns>Null: unknown, ended or expired, or its account may not act.</returns>
    public ValueTask<LiveSession?> FindAsync(Guid sessionId, CancellationToken ct)
    {
        Span<char> key = stackalloc char[CacheTags.SessionPrefix.Length + 36];
        key.TryWrite(CultureInfo.InvariantCulture, $"{CacheTags.SessionPrefix}{sessionId}", out _);
        return cache.TryGetFromMemory(key, out LiveSession? session)
            ? new ValueTask<LiveSession?>(session)
            : TimeSpent.InCache(cache.GetOrLoadAsync<(LiveSessions, Guid), LiveSession?>(key, (this, sessionId), static (s, context, token) => s.Item1.LoadAsync(s.Item2, context, token), token: ct));
    }

    private async ValueTask<LiveSession?> LoadAsync(Guid id, LoadContext context, CancellationToken ct)
    {
        var askedAt = clock.GetTimestamp();
        using var wait = TimeSpent.InDatabase();
        if (await _find.ExecuteAsync(id, ct) is not { } found)
        {
            context.DoNotStore = true;   // there may be as many of these as anyone likes to make up
            return null;
        }

        context.AddTag(CacheTags.User(found.Session.UserId), found.UserVersion);
        context.Expiration = options.TimeToLive;
        if (!found.Lives) return null;
        var left = found.Left - clock.GetElapsedTime(askedAt);
        if (left < options.TimeToLive) context.Expiration = left;
        return found.Session;
    }

    /// <param name="Left">Until it expires, when it was read.</param>
    /// <param name="UserVersion">Of the account's tag, when it was read.</param>
    private sealed record FoundSession(LiveSession Session, bool Lives, TimeSpan Left, long UserVersion);

    private sealed class FindSessions : BatchedStatement<Guid, FoundSession?>
    {
        public override string Name => "sessions.find";
        public override string Sql { get; } = SqlFile.Beside<LiveSessions>("find_sessions").Text;
        public override bool IsRepeatable => true;
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<Guid[]>()];

        public override void Bind(Batch<Guid, FoundSession?> batch, NpgsqlParameter[] parameters)
        {
            var askers = new AskersById<Guid>(batch.Requests);
            batch.State = askers;
            ((NpgsqlParameter<Guid[]>)parameters[0]).TypedValue = askers.Ids;
        }

        public override void Read(NpgsqlDataReader row, Batch<Guid, FoundSession?> batch)
        {
            var id = row.GetGuid(0);
            // An end in the far future is more seconds than a time span has room for.
            var left = TimeSpan.FromSeconds(Math.Clamp(row.GetDouble(5), 0, TimeSpan.FromDays(366).TotalSeconds));
            var found = new FoundSession(
                new LiveSession(row.GetInt64(1), row.GetFieldValue<DateTimeOffset>(2), row.GetBoolean(3)), row.GetBoolean(4), left, row.GetInt64(6));
            var askers = (AskersById<Guid>)batch.State!;
            for (var i = askers.Last(id); i >= 0; i = askers.Before(i)) batch.SetResult(i, found);
        }

        public override FoundSession? WithoutRow(int index, Batch<Guid, FoundSession?> batch) => null;
    }
}
