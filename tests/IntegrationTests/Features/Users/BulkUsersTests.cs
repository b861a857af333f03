using System.Net;
using AuthService.Client;
using Npgsql;

namespace IntegrationTests.Features.Users;

/// <summary>Many accounts in one call.</summary>
public class BulkUsersTests(Servers servers) : IClassFixture<Servers>
{
    private const string Path = "/api/v1/users/bulk";

    private CancellationToken Ct => servers.TestTimeout;

    // Let one row's failure end the transaction, and the good ones are not there.
    [Fact]
    public async Task Good_rows_are_stored_bad_ones_are_told_one_by_one()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var there = await database.AddRightlessUserAsync("there", Ct);
        var other = await database.AddRightlessUserAsync("other", Ct);
        await database.ExecuteSqlAsync("UPDATE users SET display_name = 'Before', phone = '1', email_verified = true WHERE id = $1", Ct, there);
        BulkUser[] users =
        [
            new() { Email = "anna@example.org", Username = "anna", DisplayName = "Anna", Phone = "+49 30 1", AvatarUrl = "https://example.org/a.png" },
            new() { Email = "THERE@example.com", Username = "new1" },
            new() { Email = "new2@example.org", Username = "There" },
            new() { Email = "Anna@example.org", Username = "anna2" },
            new() { Email = "anna3@example.org", Username = "ANNA" },
            new() { Username = "nomail" },
            new() { Email = "bad", Username = "bad" },
            new() { Email = "a@b", Username = "with space" },
            new() { Email = "ok@example.org", Username = "hashed", PasswordHash = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS" },
            new() { Email = "plain@example.org", Username = "plain", PasswordHash = "secret" },
            new() { Id = there, DisplayName = "After", Phone = "" },
            new() { Id = there, DisplayName = "Twice" },
            new() { Id = other, Email = "anna@example.org" },
            new() { Id = other, Username = "there", Email = "fine@example.org" },
            new() { Id = 999_999, DisplayName = "Nobody" },
            new() { Id = other, AvatarUrl = "http://example.org" },
            new() { Id = other, PasswordHash = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS" },
        ];
        var answer = await BulkAsync(admin, new BulkUsersRequest { Users = users });
        string?[] expected =
        [
            "created", "users.email_taken email", "users.username_taken username", "users.email_taken email", "users.username_taken username", "field.required email", "field.format email",
            "field.format username", "created", "passwords.hash_not_known password_hash", "updated", "users.named_twice id", "users.email_taken email", "users.named_twice id", "users.not_found id",
            "field.format avatar_url", "users.password_not_changed_here password_hash",
        ];
        Assert.Equal(expected, answer.Results.Select(r => r.Status == BulkStatus.Failed ? $"{r.Code} {r.Member}" : r.Status));
        Assert.Equal((2, 1, 14), (answer.Created, answer.Updated, answer.Failed));
        Assert.Equal(there, answer.Results[10].Id);

        var anna = await admin.GetAsync($"/api/v1/users/{answer.Results[0].Id}", WireJson.Default.UserDetail, Ct);
        Assert.Equal(("anna@example.org", "Anna", "+49 30 1", "https://example.org/a.png", true, false), (anna.Email, anna.DisplayName, anna.Phone, anna.AvatarUrl, anna.IsActive, anna.EmailVerified));
        Assert.Equal(["user"], anna.Roles);
        var changed = await admin.GetAsync($"/api/v1/users/{there}", WireJson.Default.UserDetail, Ct);
        Assert.Equal(("After", null, true, "there@example.com"), (changed.DisplayName, changed.Phone, changed.EmailVerified, changed.Email));
        Assert.Equal(2, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'user_created' AND actor_id IS NOT NULL", Ct));
        Assert.Equal(1, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'user_updated' AND diff = '{\"changed\":[\"display_name\",\"phone\"]}'", Ct));

        // Nobody signs in to an account that has no password; with another system's hash its owner does, and it is replaced.
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna@example.org", "none", Ct).StatusAsync());
        await node.SignInAsync("ok@example.org", "correct horse battery staple", Ct);
        Assert.StartsWith("$argon2id$", await database.ReadAsync<string>("SELECT password_hash FROM users WHERE username = 'hashed'", Ct), StringComparison.Ordinal);
        await node.SignInAsync("ok@example.org", "correct horse battery staple", Ct);
    }

    [Fact]
    public async Task All_or_nothing_stores_all_or_nothing()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var before = await database.ReadAsync<long>("SELECT count(*) FROM users", Ct);
        List<BulkUser> users = [.. Enumerable.Range(0, 1_500).Select(i => new BulkUser { Email = $"m{i}@example.org", Username = $"m{i}" })];
        users[1_400] = users[1_400] with { Email = "ROOT@example.com" };
        using (var refused = await admin.SendAsync(HttpMethod.Post, Path, new BulkUsersRequest { Users = users, AllOrNothing = true }, Ct))
        {
            var problem = await refused.ProblemAsync(Ct);
            Assert.Equal((409, "users.nothing_stored"), (problem.Status, problem.Code));
            Assert.Equal(("/users/1400/email", "users.email_taken"), (Assert.Single(problem.Errors!).Pointer, problem.Errors![0].Code));
        }

        Assert.Equal(before, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
        users[1_400] = users[1_400] with { Email = "m1400@example.org" };
        Assert.Equal(1_500, (await BulkAsync(admin, new BulkUsersRequest { Users = users, AllOrNothing = true })).Created);
        Assert.Equal(before + 1_500, await database.ReadAsync<long>("SELECT sum(living)::bigint FROM user_counts", Ct));
    }

    // Leave out Authority and a helpdesk account renames the administrators.
    [Fact]
    public async Task Nobody_changes_accounts_that_may_more_than_they_do_or_makes_such()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var helpdesk = await node.AddAccountAsync("helpdesk", Ct, "users:write");
        var other = await database.AddRightlessUserAsync("other", Ct);
        var answer = await BulkAsync(helpdesk, new BulkUsersRequest { Users = [new() { Id = admin.Id, Email = "mine@example.org" }, new() { Id = other, DisplayName = "Other" }] });
        Assert.Equal(["authz.exceeds_own_rights", null], answer.Results.Select(r => r.Code));

        await database.ExecuteAsync("INSERT INTO role_permissions SELECT r.id, p.id FROM roles r, permissions p WHERE r.name = 'user' AND p.resource = 'audit'", Ct);
        Assert.Equal("authz.exceeds_own_rights", await helpdesk.SendAsync(HttpMethod.Post, Path,
            new BulkUsersRequest { Users = [new() { Email = "spy@example.org", Username = "spy" }] }, Ct).CodeAsync(HttpStatusCode.Forbidden, Ct));
        Assert.Equal(0, await database.ReadAsync<long>("SELECT count(*) FROM users WHERE username = 'spy'", Ct));
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        Assert.Equal(HttpStatusCode.Forbidden, await reader.SendAsync(HttpMethod.Post, Path, new BulkUsersRequest { Users = [new() { Id = other }] }, Ct).StatusAsync());
    }

    // Ten thousand, more than the usual megabyte of body: the same number of statements for each thousand, and rights that follow.
    [Fact]
    public async Task Ten_thousand_accounts_take_thirty_statements_and_one_more_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        List<BulkUser> users = [.. Enumerable.Range(0, 10_000).Select(i => new BulkUser { Email = $"somebody{i}@example.org", Username = $"somebody{i}", DisplayName = new string('x', 100) })];
        await BulkAsync(admin, new BulkUsersRequest { Users = [new() { Email = "first@example.org", Username = "first" }] });
        BulkUsersResponse? made = null;
        var counts = await Statements.CountAsync(database, async () => made = await BulkAsync(admin, new BulkUsersRequest { Users = users }), Ct);
        Assert.Equal((10_000, 0), (made!.Created, made.Failed));
        Assert.Equal((10, 10), (counts["Users/AddUsers.insert_users"], counts["Authorization/Authority.exceeds_user"]));
        Assert.InRange(counts.Values.Sum(), 20, 40);

        var updated = await BulkAsync(admin, new BulkUsersRequest { Users = [.. made.Results.Select(r => new BulkUser { Id = r.Id, DisplayName = "" })] });
        Assert.Equal(10_000, updated.Updated);
        Assert.Equal("field.length", await FieldAsync([.. users, users[0]]));
        Assert.Equal("field.length", await FieldAsync([]));

        async Task<string> FieldAsync(List<BulkUser> sent)
        {
            using var answer = await admin.SendAsync(HttpMethod.Post, Path, new BulkUsersRequest { Users = sent }, Ct);
            return Assert.Single((await answer.ProblemAsync(Ct)).Errors!).Code;
        }
    }

    // The triggers compare rows before and after, with a plan that a connection has kept from log-ins. Leave out 0013_changes_of_many_users.sql and they compare each row with each:
    // 1,000, 2,000 and 4,000 rows took 300, 1,050 and 4,043 ms, and take 91, 75 and 137.
    [Fact]
    public async Task Triggers_of_many_changed_accounts_do_not_compare_each_row_with_each()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var ids = await database.AddUsersAsync("somebody", 2_000, Ct);
        await using var connection = await database.DataSource.OpenConnectionAsync(Ct);
        var plans = new List<string>();
        connection.Notice += (_, e) => plans.Add(e.Notice.MessageText);
        await ExecuteAsync("LOAD 'auto_explain'; SET auto_explain.log_nested_statements = on; SET auto_explain.log_min_duration = 0; SET client_min_messages = log");
        for (var i = 0; i < 10; i++) await ExecuteAsync($"UPDATE users SET last_login_at = now() WHERE id = {ids[i]}");
        plans.Clear();
        await ExecuteAsync("UPDATE users SET phone = '1'");
        var compared = plans.Where(p => p.Contains("Named Tuplestore Scan", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, compared.Count(p => p.Contains("Join", StringComparison.Ordinal)));
        Assert.All(compared, p => Assert.DoesNotContain("Nested Loop", p, StringComparison.Ordinal));

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    // Two calls at once that want the same thousand names, in opposite order: each name goes to one, and none is lost. Take away the second attempt in AddUsers, and of
    // a name that neither had when the statement began it is said that it is taken where it is not.
    [Fact]
    public async Task Calls_that_race_for_the_same_names_share_them()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        for (var round = 0; round < 5; round++)
        {
            List<BulkUser> users = [.. Enumerable.Range(0, 300).Select(i => new BulkUser { Email = $"r{round}n{i}@example.org", Username = $"r{round}n{i}" })];
            var answers = await Race.RunAsync(4, i => BulkAsync(admin, new BulkUsersRequest { Users = i % 2 == 0 ? users : [.. users.AsEnumerable().Reverse()] }));
            Assert.Equal(300, answers.Sum(a => a.Created));
            Assert.Equal(300, await database.ReadAsync<long>($"SELECT count(*) FROM users WHERE username LIKE 'r{round}n%'", Ct));
            Assert.All(answers.SelectMany(a => a.Results).Where(r => r.Status == BulkStatus.Failed), r => Assert.Contains(r.Code, new[] { "users.email_taken", "users.username_taken" }));
        }
    }

    private async Task<BulkUsersResponse> BulkAsync(Account account, BulkUsersRequest request)
    {
        using var answer = await account.SendAsync(HttpMethod.Post, Path, request, Ct);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.BulkUsersResponse, Ct))!;
    }
}
