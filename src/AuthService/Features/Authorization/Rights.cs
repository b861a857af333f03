using System.Globalization;
using AuthService.Caching;
using AuthService.Database;
using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using SolidCache;
using SolidCache.Lanes;

namespace AuthService.Features.Authorization;

/// <summary>Rights of several accounts.</summary>
/// <param name="Of">By the account's number.</param>
/// <param name="Tier">Where they came from: <see cref="Rights.Memory"/> or <see cref="Rights.Database"/>.</param>
internal sealed record RightsOfMany(IReadOnlyDictionary<long, UserRights> Of, string Tier);

/// <summary>
/// Answers "what may this account do?" for everybody who asks: checks, tokens, profiles, protected endpoints. From memory: an account is a set of
/// roles, the roles are compiled, a question is two look-ups and a bit. What was revoked makes the entry invalid on every node before the
/// revocation is answered (docs/cache/freshness.md); misses of many accounts travel in one statement.
/// </summary>
internal sealed class Rights(TieredCache cache, LaneSet lanes, NpgsqlDataSource db, RightsInRedis inRedis, PermissionCacheOptions options, TimeProvider clock)
{
    /// <summary>Where an answer came from.</summary>
    public const string Memory = "memory", Database = "database";

    // What is read while something else becomes invalid is read again: the roles of an account and what they permit must be of one state.
    private const int MaxAttempts = 8;
    private static readonly string[] CatalogTags = [CacheTags.Catalog];

    private readonly BatchedCall<long, RoleSet> _load = lanes.Add(new LoadRoleIds());
    private readonly HybridCacheEntryOptions _entry = new() { Expiration = options.TimeToLive, Flags = options.Enabled ? null : HybridCacheEntryFlags.DisableLocalCache | HybridCacheEntryFlags.DisableDistributedCache };
    private readonly HybridCacheEntryOptions _anew = new() { Expiration = options.TimeToLive, Flags = HybridCacheEntryFlags.DisableLocalCacheRead | HybridCacheEntryFlags.DisableDistributedCacheRead };

    /// <param name="userId">Of an account that may not exist: then nothing is permitted.</param>
    /// <exception cref="NpgsqlException">It has to be loaded, and PostgreSQL can't be reached.</exception>
    public ValueTask<UserRights> OfAsync(long userId, CancellationToken ct) =>
        OfMemory(userId) is { } rights ? new ValueTask<UserRights>(rights) : LoadAsync(userId, ct);

    /// <summary>What memory says; null: it has to be loaded.</summary>
    public UserRights? OfMemory(long userId)
    {
        var rights = TryGetFromMemory(userId, out _);
        if (rights is not null) RightsTelemetry.Hit();
        return rights;
    }

    /// <summary>Rights of several accounts, of one state of who holds which role.</summary>
    /// <param name="userIds">Distinct numbers.</param>
    /// <exception cref="NpgsqlException">Some have to be loaded, and PostgreSQL can't be reached.</exception>
    public async ValueTask<RightsOfMany> OfAsync(long[] userIds, CancellationToken ct)
    {
        var (rights, missing) = (new Dictionary<long, UserRights>(userIds.Length), new List<long>());
        var generation = cache.Generation;
        var isOneState = true;
        foreach (var id in userIds)
        {
            if (TryGetFromMemory(id, out var isSettled) is { } found) rights[id] = found;
            else missing.Add(id);
            isOneState &= isSettled;
        }

        RightsTelemetry.Hits(rights.Count);
        if (missing.Count == 0 && isOneState && generation == cache.Generation) return new RightsOfMany(rights, Memory);
        // Each by itself for whoever asks next, and all together for this question.
        if (options.Enabled) await Task.WhenAll(missing.Select(id => LoadAsync(id, ct).AsTask()));
        return new RightsOfMany(await LoadTogetherAsync(userIds, ct), Database);
    }

    /// <summary>Of these accounts those whose rights in memory are others than in the database. Those that are not in memory are not compared.</summary>
    public async Task<List<long>> DifferingFromDatabaseAsync(long[] userIds, CancellationToken ct)
    {
        var kept = userIds.Select(id => (Id: id, Rights: TryGetFromMemory(id, out _))).Where(k => k.Rights is not null).ToArray();
        var catalogue = await RoleCatalogue.LoadAsync(db, ct);
        var differing = new List<long>();
        await using var command = LoadRoleIds.File.On(db).With(Array.ConvertAll(kept, k => k.Id));
        await using var row = await command.ExecuteReaderAsync(ct);
        var inMemory = kept.ToDictionary(k => k.Id, k => k.Rights!);
        while (await row.ReadAsync(ct))
        {
            // Worked out anew from both, and not what the set has at hand.
            var id = row.GetInt64(0);
            if (UserRights.Of(RoleSet.Of(row.GetFieldValue<long[]>(1)), catalogue) is not { } now || !now.IsSameAs(inMemory[id])) differing.Add(id);
        }

        return differing;
    }

    /// <summary>Whether memory serves, of an account, what it had before a moment: neither its roles nor the catalogue were loaded since.</summary>
    /// <param name="timestamp">Of the clock the cache uses.</param>
    public bool AreInMemorySince(long userId, long timestamp)
    {
        var (roles, catalogue) = (cache.AgeInMemory(KeyOf(userId)), cache.AgeInMemory(CacheTags.AllRoles));
        var since = clock.GetElapsedTime(timestamp);
        return roles > since && catalogue > since;
    }

    /// <returns>Null: it isn't there, or not to be served.</returns>
    private UserRights? TryGetFromMemory(long userId, out bool isSettled)
    {
        isSettled = false;
        if (!options.Enabled) return null;
        Span<char> key = stackalloc char[CacheTags.RightsPrefix.Length + 20];
        CacheTags.RightsPrefix.CopyTo(key);
        userId.TryFormat(key[CacheTags.RightsPrefix.Length..], out var digits, default, CultureInfo.InvariantCulture);
        var isThere = cache.TryGetFromMemory(key[..(CacheTags.RightsPrefix.Length + digits)], out RoleSet? roles, out isSettled, CacheTags.AllRoles, out RoleCatalogue? catalogue);
        return isThere ? roles!.In(catalogue!) : null;
    }

    private async ValueTask<UserRights> LoadAsync(long userId, CancellationToken ct)
    {
        RightsTelemetry.Miss();
        using var wait = TimeSpent.InCache();
        for (var attempt = 0; ; attempt++)
        {
            // The second time and later one of the two was out of date, and nobody can say which: both from the database.
            var generation = cache.Generation;
            var catalogue = await CatalogueAsync(attempt == 1 ? _anew : _entry, ct);
            var roles = await RolesAsync(userId, attempt == 1 ? _anew : _entry, ct);
            var isOneState = generation == cache.Generation || attempt >= MaxAttempts;
            if (isOneState && roles.In(catalogue) is { } rights) return rights;
            if (attempt > MaxAttempts) throw new InvalidOperationException("An account holds a role that is in no catalogue.");
        }
    }

    /// <summary>In one statement: of one state of who holds which role, which memory can't vouch for just after something was loaded.</summary>
    private async Task<Dictionary<long, UserRights>> LoadTogetherAsync(long[] userIds, CancellationToken ct)
    {
        for (var attempt = 0; ; attempt++)
        {
            var generation = cache.Generation;
            var catalogue = await CatalogueAsync(attempt == 0 ? _entry : _anew, ct);
            var rights = new Dictionary<long, UserRights>(userIds.Length);
            await using var command = LoadRoleIds.File.On(db).With(userIds);
            await using var row = await command.ExecuteReaderAsync(ct);
            while (await row.ReadAsync(ct))
            {
                if (RoleSet.Of(row.GetFieldValue<long[]>(1)).In(catalogue) is { } found) rights[row.GetInt64(0)] = found;
            }

            if (rights.Count == userIds.Length && (generation == cache.Generation || attempt >= MaxAttempts)) return rights;
            if (attempt > MaxAttempts) throw new InvalidOperationException("An account holds a role that is in no catalogue.");
        }
    }

    private ValueTask<RoleCatalogue> CatalogueAsync(HybridCacheEntryOptions entry, CancellationToken ct) => cache.GetOrCreateAsync(
        CacheTags.AllRoles, (db, inRedis), static async (s, token) =>
        {
            var catalogue = await RoleCatalogue.LoadAsync(s.db, token);
            s.inRedis.Know(catalogue);
            return catalogue;
        }, entry, CatalogTags, ct);

    private ValueTask<RoleSet> RolesAsync(long userId, HybridCacheEntryOptions entry, CancellationToken ct) => cache.GetOrCreateAsync(
        KeyOf(userId), (_load, userId),
        static async (s, token) =>
        {
            using var wait = TimeSpent.InDatabase();
            return await s._load.ExecuteAsync(s.userId, token);
        }, entry, [CacheTags.User(userId)], ct);

    private static string KeyOf(long userId) => string.Create(CultureInfo.InvariantCulture, $"{CacheTags.RightsPrefix}{userId}");

    private sealed class LoadRoleIds : BatchedStatement<long, RoleSet>
    {
        public static readonly SqlFile File = SqlFile.Beside<Rights>("load_role_ids");

        public override string Name => "rights.load_role_ids";
        public override string Sql => File.Text;
        public override bool IsRepeatable => true;
        public override NpgsqlParameter[] CreateParameters() => [new NpgsqlParameter<long[]>()];

        public override void Bind(Batch<long, RoleSet> batch, NpgsqlParameter[] parameters)
        {
            var askers = new AskersById<long>(batch.Requests);
            batch.State = askers;
            ((NpgsqlParameter<long[]>)parameters[0]).TypedValue = askers.Ids;
        }

        public override void Read(NpgsqlDataReader row, Batch<long, RoleSet> batch)
        {
            var askers = (AskersById<long>)batch.State!;
            var roles = RoleSet.Of(row.GetFieldValue<long[]>(1));
            for (var i = askers.Last(row.GetInt64(0)); i >= 0; i = askers.Before(i)) batch.SetResult(i, roles);
        }

        public override RoleSet WithoutRow(int index, Batch<long, RoleSet> batch) => RoleSet.Of([]);
    }
}
