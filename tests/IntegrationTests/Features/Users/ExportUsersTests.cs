using System.Net;
using System.Text.Json;
using AuthService.Client;

namespace IntegrationTests.Features.Users;

/// <summary>All accounts in one answer, however many.</summary>
public class ExportUsersTests(Servers servers) : IClassFixture<Servers>
{
    private const string Path = "/api/v1/users/export";

    private CancellationToken Ct => servers.TestTimeout;

    // More than two pieces. Begin a piece at the last account instead of behind it, and one comes twice.
    [Fact]
    public async Task Every_account_is_one_line_and_pieces_meet()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 2_500);
        await database.ExecuteAsync(
            """
            UPDATE users SET deleted_at = now(), is_active = false WHERE username = 'account7';
            UPDATE users SET is_active = false WHERE username = 'account8';
            UPDATE users SET display_name = E'Line\u2028end "quoted", ünï' || chr(9), phone = '+49 1', avatar_url = 'https://example.org/a.png' WHERE username = 'account9';
            """, Ct);
        using var answer = await reader.SendAsync(HttpMethod.Get, Path, body: null, Ct);
        Assert.Equal((HttpStatusCode.OK, "application/x-ndjson"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Equal("users.ndjson", answer.Content.Headers.ContentDisposition?.FileName);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        var users = (await answer.Content.ReadAsStringAsync(Ct)).Split('\n')[..^1].Select(line => JsonSerializer.Deserialize(line, WireJson.Default.ExportedUser)!).ToList();
        Assert.Equal(await database.ReadAsync<long[]>("SELECT array_agg(id ORDER BY id) FROM users WHERE deleted_at IS NULL", Ct), users.Select(u => u.Id));
        Assert.Equal(["only-reader"], users[0].Roles);
        var odd = users.Single(u => u.Username == "account9");
        Assert.Equal(("Line\u2028end \"quoted\", ünï\t", "+49 1", "https://example.org/a.png"), (odd.DisplayName, odd.Phone, odd.AvatarUrl));

        using var inactive = await reader.SendAsync(HttpMethod.Get, Path + "?is_active=false", body: null, Ct);
        Assert.Contains("account8", Assert.Single((await inactive.Content.ReadAsStringAsync(Ct)).Split('\n')[..^1]), StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>($"SELECT count(*) FROM audit_events WHERE type = 'export_read' AND actor_id = {reader.Id}", Ct) == 2, TimeSpan.FromSeconds(20));
    }

    // More clients than there are connections, none of which reads on. Write to them while a reader is open, and the list finds no connection.
    [Fact]
    public async Task A_client_that_reads_slowly_holds_no_connection_and_one_that_leaves_leaves_nothing()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 40_000);
        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 25; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Path);
            request.Headers.Authorization = new("Bearer", reader.Tokens.AccessToken);
            var answer = await node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
            await (await answer.Content.ReadAsStreamAsync(Ct)).ReadExactlyAsync(new byte[1], Ct);
            answers.Add(answer);
        }

        using var list = await reader.SendAsync(HttpMethod.Get, "/api/v1/users?limit=1", body: null, Ct);
        Assert.Equal(HttpStatusCode.OK, list.StatusCode);
        foreach (var answer in answers) answer.Dispose();
        await Eventually.TrueAsync(async () => await database.ReadAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND query LIKE '%ExportUsers%' AND pid <> pg_backend_pid()", Ct) == 0, TimeSpan.FromSeconds(20));
    }

    // Check the right only when it begins, and the rest of the directory follows the revocation.
    [Fact]
    public async Task It_ends_when_the_right_does_and_the_client_sees_that_it_is_not_all()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 100_000);
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        request.Headers.Authorization = new("Bearer", reader.Tokens.AccessToken);
        using var answer = await node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        await using var body = await answer.Content.ReadAsStreamAsync(Ct);
        await body.ReadExactlyAsync(new byte[1], Ct);
        var role = await database.RoleIdAsync("only-reader", Ct);
        Assert.Equal(HttpStatusCode.NoContent, await admin.SendAsync(HttpMethod.Delete, $"/api/v1/users/{reader.Id}/roles/{role}", body: null, Ct).StatusAsync());
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null, Ct));
    }

    private static Task<int> InsertAsync(TestDatabase database, int count) => database.ExecuteSqlAsync(
        "INSERT INTO users (email, username, password_hash) SELECT 'account' || n || '@example.org', 'account' || n, 'none' FROM generate_series(1, $1) n", CancellationToken.None, count);
}
