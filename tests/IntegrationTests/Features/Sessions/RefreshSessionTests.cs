using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using AuthService.Client;

namespace IntegrationTests.Features.Sessions;

public class RefreshSessionTests(Servers servers) : IClassFixture<Servers>
{
    private const string NotValid = "sessions.refresh_token_not_valid";

    private CancellationToken Ct => servers.TestTimeout;

    // T10. Without "cur_hash = $2" in rotate.sql every call rotates: gen is 50. Without the grace window 49 calls get 401.
    [Fact]
    public async Task Fifty_parallel_refreshes_of_one_token_are_one_rotation_and_fifty_equal_answers()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);

        var answers = await Race.RunAsync(50, _ => node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct));

        await AssertOneRotationAsync(node, answers);
    }

    // T16. The same with nothing in common but the database and the master key. Derive the successor from anything that differs
    // between nodes or calls (the clock, randomness) and this fails.
    [Fact]
    public async Task Fifty_parallel_refreshes_on_two_nodes_are_one_rotation_and_fifty_equal_answers()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var anna = await one.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);

        var answers = await Race.RunAsync(50, i => (i % 2 == 0 ? one : two).Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct));

        await AssertOneRotationAsync(one, answers);
        Assert.Equal(HttpStatusCode.OK, await two.Http.UseAsync(answers[0].AccessToken, Ct));
    }

    // T11. Without EndReusedAsync the session lives on; without LiveSessions the access token does.
    [Fact]
    public async Task The_predecessor_of_a_used_token_ends_the_session_once()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var second = await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        var third = await node.Http.RefreshAsync(second.RefreshToken, Ct).TokensAsync(Ct);
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(third.AccessToken, Ct));

        var statuses = await Race.RunAsync(8, _ => node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).StatusAsync());

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.Unauthorized, status));
        await AssertDeadByReuseAsync(node, anna, second, third);
    }

    // T12. Without in_grace in find_session.sql the late repetition succeeds.
    [Theory]
    [InlineData("00:00:00", 0)]
    [InlineData("00:00:10", 11)]
    public async Task The_predecessor_after_the_grace_window_ends_the_session(string grace, int secondsLater)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Sessions:RefreshGrace", grace)]);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var second = await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        await database.ExecuteAsync($"UPDATE sessions SET rotated_at = rotated_at - interval '{secondsLater} seconds'", Ct);

        Assert.Equal(NotValid, await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        await AssertDeadByReuseAsync(node, anna, second);
    }

    // T13. Without prev_hash in find_session.sql, say "gen - $gen <= 2" instead, this fails.
    [Fact]
    public async Task A_token_two_generations_old_ends_the_session_also_within_the_grace_window()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Sessions:RefreshGrace", "00:01:00")]);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var second = await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        var third = await node.Http.RefreshAsync(second.RefreshToken, Ct).TokensAsync(Ct);

        // One generation back is a lost answer, however often it is asked for: same successor.
        for (var i = 0; i < 3; i++) Assert.Equal(third.RefreshToken, (await node.Http.RefreshAsync(second.RefreshToken, Ct).TokensAsync(Ct)).RefreshToken);

        Assert.Equal(NotValid, await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        await AssertDeadByReuseAsync(node, anna, second, third);
    }

    // T14. Without the comparison of the tag in RefreshTokens.TryRead the forged generation 0 costs queries and ends the session.
    [Fact]
    public async Task A_forged_token_of_a_live_session_costs_no_statement_and_does_the_session_no_harm()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var current = (await node.Http.RefreshAsync((await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct)).RefreshToken, Ct).TokensAsync(Ct)).RefreshToken;

        var statements = await Statements.CountAsync(database, async () =>
        {
            foreach (var forged in Forgeries(current))
            {
                Assert.Equal(NotValid, await node.Http.RefreshAsync(forged, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
            }
        }, Ct);

        Assert.Empty(statements);
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authn_token_reuse'", Ct));
        await node.Http.RefreshAsync(current, Ct).TokensAsync(Ct);
    }

    // The token of another installation has a good form and a good tag, under another key.
    [Fact]
    public async Task A_token_made_under_another_master_key_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var other = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await using var stranger = await Node.StartAsync(other, Ct);
        var theirs = await stranger.StartSessionAsync(await other.AddUserAsync("anna", Ct), Ct);
        Assert.Equal(NotValid, await node.Http.RefreshAsync(theirs.Tokens.RefreshToken, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(theirs.Tokens.AccessToken, Ct));
    }

    // Read the session before the UPDATE, or open a transaction around it, and this fails.
    [Fact]
    public async Task A_refresh_is_one_statement()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var token = (await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct)).RefreshToken;

        var statements = await Statements.CountAsync(database, async () =>
        {
            for (var i = 0; i < 10; i++) token = (await node.Http.RefreshAsync(token, Ct).TokensAsync(Ct)).RefreshToken;
        }, Ct);

        Assert.Equal(new SortedDictionary<string, long> { ["Sessions/RefreshSession.rotate"] = 10 }, statements);
    }

    // T18. Without "now() < idle_expires_at" in rotate.sql and LiveSessions.find_sessions.sql the idle case fails; without the other
    // comparison the absolute one.
    [Theory]
    [InlineData("idle_expires_at")]
    [InlineData("absolute_expires_at")]
    public async Task A_session_past_its_end_gives_nothing_any_more(string column)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var second = await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).TokensAsync(Ct);
        await database.ExecuteAsync($"UPDATE sessions SET {column} = now() + interval '2 seconds'", Ct);
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(second.AccessToken, Ct));
        // Nothing tells the node that the end has come: it must not have kept the session for longer than that.
        await Eventually.TrueAsync(() => database.ReadAsync<bool>($"SELECT bool_and({column} < now()) FROM sessions", Ct), TimeSpan.FromSeconds(10));

        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(second.AccessToken, Ct));
        Assert.Equal(NotValid, await node.Http.RefreshAsync(second.RefreshToken, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        // An old token of an ended session is no theft.
        Assert.Equal(NotValid, await node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authn_token_reuse'", Ct));
    }

    // T18. Without least(…) in rotate.sql idle_expires_at runs past the absolute end; a rotation that sets the latter fails as well.
    [Fact]
    public async Task Refreshing_moves_the_idle_end_up_to_the_absolute_one_and_never_moves_that()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Sessions:IdleTimeout", "01:00:00"), ("Sessions:AbsoluteTimeout", "03:00:00")]);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        var session = await OnlyAsync(anna);
        Assert.Equal((TimeSpan.FromHours(1), TimeSpan.FromHours(3)), (session.IdleExpiresAt - session.CreatedAt, session.AbsoluteExpiresAt - session.CreatedAt));

        var token = anna.Tokens.RefreshToken;
        // Its last half hour has begun.
        await database.ExecuteAsync("UPDATE sessions SET absolute_expires_at = now() + interval '30 minutes', idle_expires_at = now() + interval '10 minutes'", Ct);
        var end = (await OnlyAsync(anna)).AbsoluteExpiresAt;
        for (var i = 0; i < 3; i++) token = (await node.Http.RefreshAsync(token, Ct).TokensAsync(Ct)).RefreshToken;
        session = await OnlyAsync(anna);
        Assert.Equal((end, end), (session.IdleExpiresAt, session.AbsoluteExpiresAt));
        Assert.True(session.RefreshedAt > session.CreatedAt);
    }

    private async Task AssertOneRotationAsync(Node node, TokenResponse[] answers)
    {
        Assert.Single(answers.Select(answer => answer.RefreshToken).Distinct(StringComparer.Ordinal));
        var (session, generation, hash) = node.MasterKey.Read(answers[0].RefreshToken);
        Assert.Equal(1, generation);
        Assert.Equal(1, await node.Database.ReadAsync<int>($"SELECT gen FROM sessions WHERE id = '{session}' AND revoked_at IS NULL", Ct));
        Assert.Equal(hash, await node.Database.ReadAsync<byte[]>($"SELECT cur_hash FROM sessions WHERE id = '{session}'", Ct));
        Assert.All(await Race.RunAsync(10, i => node.Http.UseAsync(answers[i * 5].AccessToken, Ct)), status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(0L, await node.Database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authn_token_reuse'", Ct));
        await node.Http.RefreshAsync(answers[0].RefreshToken, Ct).TokensAsync(Ct);
    }

    private async Task AssertDeadByReuseAsync(Node node, Account anna, params TokenResponse[] later)
    {
        foreach (var tokens in later.Prepend(anna.Tokens))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(tokens.AccessToken, Ct));
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(tokens.RefreshToken, Ct).StatusAsync());
        }

        var session = node.MasterKey.Read(anna.Tokens.RefreshToken).SessionId;
        Assert.Equal("token_reuse", await node.Database.ReadAsync<string>($"SELECT revoked_reason FROM sessions WHERE id = '{session}'", Ct));
        Assert.Equal(
            $"authn_token_reuse failure user {anna.Id} {session}",
            await node.Database.ReadAsync<string>(
                "SELECT string_agg(concat_ws(' ', type, outcome, target_type, target_id, session_id), ';') FROM audit_events WHERE type = 'authn_token_reuse'", Ct));
    }

    private async Task<SessionInfo> OnlyAsync(Account account) =>
        Assert.Single((await account.GetAsync("/api/v1/me/sessions", WireJson.Default.PageSessionInfo, Ct)).Items);

    /// <summary>Tokens that name the session of a real one and differ from it in each of its parts; and things that are no tokens.</summary>
    private static IEnumerable<string> Forgeries(string real)
    {
        var bytes = Base64Url.DecodeFromChars(real.AsSpan(4));
        for (var i = 0; i < bytes.Length; i += 3) yield return Altered(b => b[i] ^= 1);
        yield return Altered(b => b.AsSpan(17, 4).Clear());                                    // the first generation
        yield return Altered(b => b[20]++);                                                    // the next one
        yield return Altered(b => RandomNumberGenerator.Fill(b.AsSpan(21, 32)));               // another secret
        yield return Altered(b => b.AsSpan(53).Clear());                                       // no tag
        yield return Altered(b => SHA256.HashData(b.AsSpan(0, 53)).AsSpan(0, 16).CopyTo(b.AsSpan(53)));   // a digest for a MAC
        yield return real[..^1] + (real[^1] == 'A' ? 'B' : 'A');
        yield return real + "=";
        yield return real.ToUpper(CultureInfo.InvariantCulture);
        yield return "rt2_" + real[4..];
        yield return real[4..];
        yield return "x";
        yield return new string('A', 256);

        string Altered(Action<byte[]> change)
        {
            var copy = bytes.ToArray();
            change(copy);
            return "rt1_" + Base64Url.EncodeToString(copy);
        }
    }
}
