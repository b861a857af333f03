using AuthService.Tokens;
using Npgsql;

namespace Bench.Http;

/// <summary>
/// Begins sessions without signing in. A log-in costs a hash, so ten thousand of them cost minutes; these rows and tokens are those it
/// would have made, from the same master key.
/// </summary>
internal sealed class SessionMint : IDisposable
{
    private static readonly string[] Amr = ["pwd"];

    private readonly NpgsqlDataSource _db;
    private readonly RefreshTokens _refreshTokens;
    private readonly SigningKeyRing _ring;
    private readonly AccessTokens _accessTokens;
    private readonly List<Holder> _holders = [];

    private SessionMint(Target target)
    {
        var (options, master) = (new TokenOptions(), MasterKey.ReadFile(target.MasterKeyFile, mayCreate: false));
        _db = target.Db;
        _refreshTokens = new RefreshTokens(master);
        _ring = new SigningKeyRing(new LoadSigningKeys(_db, new SigningKeySeal(master), options).ExecuteAsync, TimeProvider.System);
        _accessTokens = new AccessTokens(_ring, options, TimeProvider.System);
    }

    /// <summary>Accounts a session can be begun for.</summary>
    public int Users => _holders.Count;

    /// <param name="target">A service must have run on it: that makes the keys.</param>
    /// <param name="users">How many of its accounts.</param>
    public static async Task<SessionMint> CreateAsync(Target target, int users)
    {
        var mint = new SessionMint(target);
        await using var command = target.Db.CreateCommand("""
            SELECT u.id, rights.roles, rights.permissions
            FROM   (SELECT id FROM users ORDER BY id LIMIT $1) u
            CROSS  JOIN LATERAL user_rights(u.id) AS rights
            """);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = users });
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync()) mint._holders.Add(new Holder(row.GetInt64(0), row.GetFieldValue<string[]>(1), row.GetFieldValue<string[]>(2)));
        return mint;
    }

    /// <summary>One session each for the first accounts, and again from the first where there are not so many.</summary>
    public async Task<IReadOnlyList<MintedSession>> MintAsync(int count)
    {
        await _ring.ReloadAsync(CancellationToken.None);
        var now = TimeProvider.System.GetUtcNow();
        return [.. (await BeginAsync(count)).Select((refreshToken, i) =>
        {
            var holder = HolderOf(i);
            var subject = new AccessTokenSubject(holder.UserId, refreshToken.SessionId, now, Amr, holder.Roles, holder.Permissions);
            return new MintedSession(holder.UserId, _accessTokens.Issue(subject), _refreshTokens.ToText(refreshToken), holder.Permissions[0]);
        })];
    }

    /// <summary>The same without access tokens, whose signatures take most of the time.</summary>
    public async Task<IEnumerable<string>> MintRefreshTokensAsync(int count) => (await BeginAsync(count)).Select(t => _refreshTokens.ToText(t));

    /// <summary>The access token of an account that holds every permission.</summary>
    public async Task<string> AdministratorAsync() => (await AdministratorSessionAsync()).AccessToken;

    /// <summary>The same with what it takes to go on after the access token has expired.</summary>
    public async Task<MintedSession> AdministratorSessionAsync()
    {
        var administrator = _holders[0].UserId;
        await using var grant = _db.CreateCommand("INSERT INTO user_roles (user_id, role_id) SELECT $1, id FROM roles WHERE name = 'admin' ON CONFLICT DO NOTHING");
        grant.Parameters.Add(new NpgsqlParameter<long> { TypedValue = administrator });
        await grant.ExecuteNonQueryAsync();
        return (await MintAsync(1))[0];
    }

    public void Dispose() => _ring.Dispose();

    private Holder HolderOf(int session) => _holders[session % _holders.Count];

    private async Task<RefreshToken[]> BeginAsync(int count)
    {
        RefreshToken[] tokens = [.. Enumerable.Range(0, count).Select(_ => _refreshTokens.Create(Guid.CreateVersion7()))];
        await InsertAsync(Array.ConvertAll(tokens, t => t.SessionId), [.. tokens.Select((_, i) => HolderOf(i).UserId)], Array.ConvertAll(tokens, t => _refreshTokens.HashOf(t)));
        return tokens;
    }

    private async Task InsertAsync(Guid[] ids, long[] users, byte[][] hashes)
    {
        await using var command = _db.CreateCommand("""
            INSERT INTO sessions (id, user_id, cur_hash, idle_expires_at, absolute_expires_at, amr)
            SELECT s.id, s.user_id, s.hash, now() + interval '14 days', now() + interval '30 days', $4
            FROM   unnest($1, $2, $3) AS s (id, user_id, hash)
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = ids });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = users });
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = hashes });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Amr });
        await command.ExecuteNonQueryAsync();
    }

    private sealed record Holder(long UserId, string[] Roles, string[] Permissions);
}
