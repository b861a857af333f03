using System.Globalization;
using AuthService.Caching;
using AuthService.Database;
using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using SolidCache;
using SolidCache.Lanes;

namespace AuthService.Features.Authorization;

/// <summary>
/// Answers "what may this account do?" for everybody who asks: checks, tokens, profiles, protected endpoints. From memory: an account is a set of
/// roles, the roles are compiled, a question is two look-ups and a bit. What was revoked makes the entry invalid on every node before the
/// revocation is answered (docs/cache/freshness.md); misses of many accounts travel in one statement.
/// </summary>
internal sealed class Rights(TieredCache cache, LaneSet lanes, NpgsqlDataSource db, PermissionCacheOptions options)
{
    /// <summary>Where an answer came from.</summary>
    public const string Memory = "memory", Database = "database";

    // What is read while something else becomes invalid is read again: the roles of an account and what they permit must be of one state.
    private const int MaxAttempts = 8;
    private static readonly string[] CatalogTags = [CacheTags.Catalog];

    private readonly BatchedCall<long, RoleSet> _load = lanes.Add(new LoadRoleIds());
    private readonly HybridCacheEntryOptions _entry = new() { Expiration = options.TimeToLive, Flags = options.Enabled ? null : HybridCacheEntryFlags.DisableLocalCache };
    private readonly HybridCacheEntryOptions _anew = new() { Expiration = options.TimeToLive, Flags = HybridCacheEntryFlags.DisableLocalCacheRead };

    /// <param name="userId">Of an account that may not exist: then nothing is permitted.</param>
    /// <exception cref="NpgsqlException">It has to be loaded, and PostgreSQL can't be reached.</exception>
    public ValueTask<UserRights> OfAsync(long userId, CancellationToken ct)
    {
        if (TryGetFromMemory(userId) is { } rights)
        {
            RightsTelemetry.Hit();
            return new ValueTask<UserRights>(rights);
        }

        return LoadAsync(userId, ct);
    }

    /// <summary>Rights of several accounts, of one state.</summary>
    /// <param name="userIds">Distinct numbers.</param>
    /// <exception cref="NpgsqlException">Some have to be loaded, and PostgreSQL can't be reached.</exception>
    public async ValueTask<IReadOnlyDictionary<long, UserRights>> OfAsync(long[] userIds, CancellationToken ct)
    {
        var rights = new Dictionary<long, UserRights>(userIds.Length);
        for (var attempt = 0; ; attempt++)
        {
            var generation = cache.Generation;
            var missing = new List<long>();
            foreach (var id in userIds)
            {
                if (TryGetFromMemory(id) is { } found) rights[id] = found;
                else missing.Add(id);
            }

            if (attempt == 0) RightsTelemetry.Hits(userIds.Length - missing.Count);
            if (missing.Count == 0 && generation == cache.Generation) return rights;
            var loaded = await Task.WhenAll(missing.Select(id => LoadAsync(id, ct).AsTask()));
            // With loads there is no one moment; the last attempt takes what there is, each of it no older than the question.
            for (var i = 0; i < loaded.Length; i++) rights[missing[i]] = loaded[i];
            if (!options.Enabled || attempt == MaxAttempts) return rights;
        }
    }

    /// <returns>Null: it isn't there, or not to be served.</returns>
    public UserRights? TryGetFromMemory(long userId)
    {
        if (!options.Enabled) return null;
        Span<char> key = stackalloc char[CacheTags.RightsPrefix.Length + 20];
        key.TryWrite(CultureInfo.InvariantCulture, $"{CacheTags.RightsPrefix}{userId}", out var length);
        var generation = cache.Generation;
        if (!cache.TryGetFromMemory(CacheTags.AllRoles, out RoleCatalogue? catalogue) || !cache.TryGetFromMemory(key[..length], out RoleSet? roles)) return null;
        // Both were valid, and in between nothing became invalid: so both were at one moment.
        return generation == cache.Generation ? roles!.In(catalogue!) : null;
    }

    private async ValueTask<UserRights> LoadAsync(long userId, CancellationToken ct)
    {
        RightsTelemetry.Miss();
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

    private ValueTask<RoleCatalogue> CatalogueAsync(HybridCacheEntryOptions entry, CancellationToken ct) => cache.GetOrCreateAsync(
        CacheTags.AllRoles, db, static async (s, token) => await RoleCatalogue.LoadAsync(s, token), entry, CatalogTags, ct);

    private ValueTask<RoleSet> RolesAsync(long userId, HybridCacheEntryOptions entry, CancellationToken ct) => cache.GetOrCreateAsync(
        string.Create(CultureInfo.InvariantCulture, $"{CacheTags.RightsPrefix}{userId}"), (_load, userId),
        static async (s, token) => await s._load.ExecuteAsync(s.userId, token), entry, [CacheTags.User(userId)], ct);

    private sealed class LoadRoleIds : BatchedStatement<long, RoleSet>
    {
        public override string Name => "rights.load_role_ids";
        public override string Sql { get; } = SqlFile.Beside<Rights>("load_role_ids").Text;
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
