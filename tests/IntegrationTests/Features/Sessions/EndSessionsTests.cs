using System.Net;
using AuthService.Client;

namespace IntegrationTests.Features.Sessions;

public class EndSessionsTests(Servers servers) : IClassFixture<Servers>
{
    private const string MySessions = "/api/v1/me/sessions";

    private CancellationToken Ct => servers.TestTimeout;

    // T20. Without LiveSessions in AccessEnforcement the access token works on until it expires.
    [Fact]
    public async Task Log_out_ends_both_tokens_of_this_session_at_once_on_every_node_and_no_other_session()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var id = await database.AddUserAsync("anna", Ct);
        var (phone, laptop) = (await one.StartSessionAsync(id, Ct), await one.StartSessionAsync(id, Ct));
        Assert.Equal(HttpStatusCode.OK, await two.Http.UseAsync(phone.Tokens.AccessToken, Ct));

        Assert.Equal(HttpStatusCode.NoContent, await one.Http.PostAsync("/api/v1/auth/logout", phone.Tokens.AccessToken, Ct).StatusAsync());

        foreach (var node in new[] { one, two })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(phone.Tokens.AccessToken, Ct));
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(phone.Tokens.RefreshToken, Ct).StatusAsync());
            Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(laptop.Tokens.AccessToken, Ct));
        }

        // A second log-out of the same session is answered like any call with a dead token.
        Assert.Equal("authn.token_not_valid", await two.Http.PostAsync("/api/v1/auth/logout", phone.Tokens.AccessToken, Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
    }

    // The node that ended the session has died between its commit and its wait; some other node may still take the tokens. Whoever is told next
    // that they are dead waits in its place. Without WaitForAsync in AccessEnforcement, or in RefreshSession.AfterMissAsync, nobody looks at the nodes.
    [Theory]
    [InlineData("log out")]
    [InlineData("refresh")]
    public async Task A_session_that_somebody_else_has_ended_is_answered_when_no_node_takes_it_any_more(string call)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.StartSessionAsync(await database.AddUserAsync("anna", Ct), Ct);
        await node.SettleAsync();
        var silent = await SilentNode.RegisterAsync(database, Ct);
        await database.ExecuteSqlAsync(
            """
            WITH ended AS (UPDATE sessions SET revoked_at = now(), revoked_reason = 'logout' RETURNING id)
            SELECT solid_cache.solid_cache_bump(ARRAY(SELECT solid_cache.solid_cache_tag('session:' || id) FROM ended))
            """, Ct);
        await node.SettleAsync();

        Task<HttpStatusCode> answer = null!;
        await silent.UntilWaitedForAsync(() =>
        {
            answer = call == "refresh"
                ? node.Http.RefreshAsync(anna.Tokens.RefreshToken, Ct).StatusAsync()
                : node.Http.PostAsync("/api/v1/auth/logout", anna.Tokens.AccessToken, Ct).StatusAsync();
            return Task.CompletedTask;
        }, Ct);
        Assert.False(answer.IsCompleted);
        await silent.LetGoAsync(Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, await answer);
    }

    [Fact]
    public async Task Log_out_everywhere_ends_every_session_of_the_account_and_of_no_other_account()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var users = await database.AddUsersAsync("anna", 2, Ct);
        var (phone, laptop, bob) = (await node.StartSessionAsync(users[0], Ct), await node.StartSessionAsync(users[0], Ct), await node.StartSessionAsync(users[1], Ct));

        Assert.Equal(HttpStatusCode.NoContent, await node.Http.PostAsync("/api/v1/auth/logout-all", phone.Tokens.AccessToken, Ct).StatusAsync());

        foreach (var account in new[] { phone, laptop })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(account.Tokens.AccessToken, Ct));
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.RefreshAsync(account.Tokens.RefreshToken, Ct).StatusAsync());
        }

        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(bob.Tokens.AccessToken, Ct));
        // The account itself is untouched.
        Assert.Equal(HttpStatusCode.OK, await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).StatusAsync());
    }

    // T22. Without "user_id = $2" in end_one.sql Bob ends Anna's session; an answer of its own for "not yours" fails the comparison.
    [Fact]
    public async Task Sessions_of_others_can_neither_be_seen_nor_ended_nor_told_from_sessions_that_never_were()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var users = await database.AddUsersAsync("anna", 2, Ct);
        var (anna, bob, bobsOther) = (await node.StartSessionAsync(users[0], Ct), await node.StartSessionAsync(users[1], Ct), await node.StartSessionAsync(users[1], Ct));
        var annas = SessionOf(anna);

        var list = await bob.GetAsync(MySessions, WireJson.Default.PageSessionInfo, Ct);
        Assert.Equal([SessionOf(bobsOther), SessionOf(bob)], list.Items.Select(session => session.Id));
        Assert.Equal([SessionOf(bob)], list.Items.Where(session => session.IsCurrent).Select(session => session.Id));

        var foreign = await EndAsync(bob, annas);
        var missing = await EndAsync(bob, Guid.CreateVersion7());
        Assert.Equal((HttpStatusCode.NotFound, "sessions.not_found"), (foreign.Status, foreign.Body.Code));
        Assert.Equal(missing.Status, foreign.Status);
        Assert.Equal(missing.Headers, foreign.Headers);
        Assert.Equal(missing.Body with { Instance = "", RequestId = "" }, foreign.Body with { Instance = "", RequestId = "" });
        Assert.Equal(HttpStatusCode.OK, await node.Http.UseAsync(anna.Tokens.AccessToken, Ct));

        // One's own: by name, once, also the one this is called with.
        Assert.Equal(HttpStatusCode.NoContent, await bob.SendAsync(HttpMethod.Delete, $"{MySessions}/{SessionOf(bobsOther)}", body: null, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.NotFound, (await EndAsync(bob, SessionOf(bobsOther))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(bobsOther.Tokens.AccessToken, Ct));
        Assert.Equal(HttpStatusCode.NoContent, await bob.SendAsync(HttpMethod.Delete, $"{MySessions}/{SessionOf(bob)}", body: null, Ct).StatusAsync());
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.UseAsync(bob.Tokens.AccessToken, Ct));
    }

    // T15. Without "revoked_at IS NULL" in rotate.sql a refresh revives what has ended, and without the same condition in
    // LiveSessions.find_session.sql the access token it won in the race lives on.
    [Theory]
    [InlineData("logout")]
    [InlineData("logout-all")]
    [InlineData("end session")]
    [InlineData("deactivate")]
    [InlineData("delete")]
    public async Task Whatever_a_refresh_wins_in_a_race_is_worth_nothing_once_the_revocation_has_answered(string revocation)
    {
        const int rounds = 15;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var administrator = await one.CreateAdministratorAsync(Ct);
        var users = await database.AddUsersAsync("anna", rounds, Ct);

        var refreshed = 0;
        for (var round = 0; round < rounds; round++)
        {
            var anna = await one.StartSessionAsync(users[round], Ct);
            var revoked = 0;
            var won = await Race.RunAsync(2, async i =>
            {
                if (i == 1)
                {
                    var status = await RevokeAsync(revocation, anna, administrator).StatusAsync();
                    Volatile.Write(ref revoked, 1);
                    Assert.Equal(HttpStatusCode.NoContent, status);
                    return [];
                }

                // A client that goes on and on, and sends each token to both nodes: one answer is a rotation, the other a repetition.
                var got = new List<TokenResponse> { anna.Tokens };
                while (true)
                {
                    var wasRevoked = Volatile.Read(ref revoked) == 1;
                    var token = got[^1].RefreshToken;
                    var pair = await Task.WhenAll(TryRefreshAsync(one, token), TryRefreshAsync(two, token));
                    Assert.False(wasRevoked && pair.Any(tokens => tokens is not null), "A refresh that began after the revocation had answered was granted.");
                    got.AddRange(pair.OfType<TokenResponse>());
                    if (pair.Contains(null)) return got;
                }
            });

            refreshed += won[0].Count - 1;
            foreach (var tokens in won[0].TakeLast(4))
            {
                Assert.Equal(HttpStatusCode.Unauthorized, await two.Http.UseAsync(tokens.AccessToken, Ct));
                Assert.Equal(HttpStatusCode.Unauthorized, await one.Http.RefreshAsync(tokens.RefreshToken, Ct).StatusAsync());
            }
        }

        // Reactivated: what was revoked stays so.
        await database.ExecuteAsync("UPDATE users SET is_active = true, deleted_at = NULL, version = version + 1", Ct);
        Assert.Equal(0L, await database.ReadAsync<long>($"SELECT count(*) FROM sessions WHERE revoked_at IS NULL AND user_id <> {administrator.Id}", Ct));
        Assert.True(refreshed > 0, "No refresh came before a revocation: this was no race.");
    }

    private Task<HttpResponseMessage> RevokeAsync(string revocation, Account account, Account administrator) => revocation switch
    {
        "logout" or "logout-all" => account.SendAsync(HttpMethod.Post, "/api/v1/auth/" + revocation, body: null, Ct),
        "end session" => account.SendAsync(HttpMethod.Delete, $"{MySessions}/{SessionOf(account)}", body: null, Ct),
        "deactivate" => administrator.SendAsync(HttpMethod.Post, $"/api/v1/users/{account.Id}/deactivate", body: null, Ct),
        _ => administrator.SendAsync(HttpMethod.Delete, $"/api/v1/users/{account.Id}", body: null, Ct),
    };

    private async Task<TokenResponse?> TryRefreshAsync(Node node, string token)
    {
        using var answer = await node.Http.RefreshAsync(token, Ct);
        if (answer.StatusCode == HttpStatusCode.Unauthorized) return null;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, Ct);
    }

    private async Task<(HttpStatusCode Status, ProblemBody Body, string Headers)> EndAsync(Account account, Guid session)
    {
        using var answer = await account.SendAsync(HttpMethod.Delete, $"{MySessions}/{session}", body: null, Ct);
        return (answer.StatusCode, await answer.ProblemAsync(Ct),
            string.Join(';', answer.Headers.Select(header => header.Key).Order(StringComparer.Ordinal)));
    }

    private static Guid SessionOf(Account account) => account.Node.MasterKey.Read(account.Tokens.RefreshToken).SessionId;
}
