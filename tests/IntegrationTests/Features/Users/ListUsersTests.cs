using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;
using SolidCache;

namespace IntegrationTests.Features.Users;

/// <summary>The list of accounts: pages, cursors, search, totals.</summary>
public class ListUsersTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly string[] Sorts = ["id", "email", "username", "created_at", "last_login_at"];

    private CancellationToken Ct => servers.TestTimeout;

    // Accounts come and go between the pages, before, at and after the place of the cursor. With OFFSET in place of the key every one of them
    // would shift the rest: drop the comparison with $3 from list_users.sql and this fails.
    [Fact]
    public async Task A_walk_by_cursor_meets_every_account_once_while_others_come_and_go()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        // Ties in every time, nulls among them, letters in both cases: what a cursor trips over.
        await database.ExecuteSqlAsync(
            """
            INSERT INTO users (email, username, password_hash, created_at, last_login_at)
            SELECT CASE WHEN n % 2 = 0 THEN 'Stay' ELSE 'stay' END || (n * 7919 % 1000) || '@example.com', 'Stay' || (n * 104729 % 1000), 'none',
                   now() - interval '1 hour' * (n / 5), CASE WHEN n % 3 = 0 THEN NULL ELSE now() - interval '1 minute' * (n / 4) END
            FROM   generate_series(1, 45) n
            """, Ct);
        var staying = await database.ReadSqlAsync<long[]>("SELECT array_agg(id) FROM users WHERE email ILIKE 'stay%' OR username = 'reader'", Ct);

        var churn = 0;
        foreach (var sort in Sorts.SelectMany(s => new[] { s, "-" + s }))
        {
            var met = new List<UserSummary>();
            string? cursor = null;
            do
            {
                var page = await ListAsync(reader, $"limit=7&sort={sort}{(cursor is null ? "" : "&cursor=" + cursor)}");
                met.AddRange(page.Items);
                Assert.True(met.Count < 500, $"{sort}: the walk does not end");
                cursor = page.NextCursor;
                // One more at either end of the order and in the middle; one of an earlier round gone.
                await database.ExecuteSqlAsync(
                    """
                    INSERT INTO users (email, username, password_hash, created_at, last_login_at)
                    SELECT e || 'come' || $1 || '@example.com', e || 'come' || $1, 'none', now() - a, now() - a
                    FROM   (VALUES ('aaa', interval '9 days'), ('stay5', interval '3 hours'), ('zzz', interval '0')) v (e, a)
                    """, Ct, ++churn);
                await database.ExecuteSqlAsync("UPDATE users SET deleted_at = now(), is_active = false WHERE username LIKE '%come' || $1", Ct, churn - 2);
            }
            while (cursor is not null);

            var ids = met.Select(u => u.Id).ToList();
            Assert.Equal(ids.Count, ids.Distinct().Count());
            Assert.Empty(staying.Except(ids));
            AssertInOrder(met, sort);
            await database.ExecuteSqlAsync("DELETE FROM users WHERE username LIKE '%come%'", Ct);
        }
    }

    [Fact]
    public async Task Offset_and_cursor_give_the_same_pages_and_a_link_to_the_next()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 20);

        string? next = "/api/v1/users?limit=8&sort=-username&search=acc";
        var byLink = new List<long>();
        for (var offset = 0; next is not null; offset += 8)
        {
            using var answer = await reader.SendAsync(HttpMethod.Get, next, body: null, Ct);
            var page = (await answer.Content.ReadFromJsonAsync(WireJson.Default.PageUserSummary, Ct))!;
            Assert.Equal((20, false), (page.Total, page.TotalIsEstimate));
            var byOffset = await ListAsync(reader, $"limit=8&sort=-username&search=acc&offset={offset}");
            Assert.Equal(byOffset.Items, page.Items);
            byLink.AddRange(page.Items.Select(u => u.Id));
            Assert.Equal(page.NextCursor is not null, answer.Headers.Contains("Link"));
            next = answer.Headers.TryGetValues("Link", out var links) ? Assert.Single(links).Split('<', '>')[1] : null;
        }

        Assert.Equal(20, byLink.Distinct().Count());
        var beyond = await ListAsync(reader, "offset=2147483647&limit=200");
        Assert.Empty(beyond.Items);
        Assert.Equal((21, null), (beyond.Total, beyond.NextCursor));
    }

    // Without its escapes in LikePattern a % finds everything and this fails.
    [Fact]
    public async Task Search_takes_every_character_literally_and_ignores_case()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await database.ExecuteSqlAsync(
            """
            INSERT INTO users (email, username, password_hash) VALUES
                ('100%@example.org', 'percent', 'none'), ('under_score@example.org', 'plain', 'none'), ('back\slash@example.org', 'slash', 'none'),
                ('quote''s@example.org', 'quote', 'none'), ('JÜRGEN@EXAMPLE.ORG', 'Jürgen', 'none'), ('star*@example.org', 'star', 'none'), ('x@example.org', 'Ελλη', 'none')
            """, Ct);
        foreach (var (search, found) in new (string, string[])[]
        {
            ("%", ["percent"]), ("0%@", ["percent"]), ("_", ["plain"]), ("R_S", ["plain"]), ("\\", ["slash"]), ("k\\s", ["slash"]), ("\\\\", []), ("'", ["quote"]), ("*", ["star"]),
            ("jürgen", ["Jürgen"]), ("JÜRGEN", ["Jürgen"]), ("ελλη", ["Ελλη"]), ("PLAIN", ["plain"]), ("%%", []), ("__", []), ("a%e", []), ("no such", []),
        })
        {
            var page = await ListAsync(reader, "search=" + Uri.EscapeDataString(search));
            Assert.True(found.SequenceEqual(page.Items.Select(u => u.Username), StringComparer.Ordinal), $"'{search}' finds {string.Join(", ", page.Items.Select(u => u.Username))}");
            Assert.Equal(found.Length, page.Total);
        }
    }

    [Fact]
    public async Task Active_and_inactive_accounts_are_told_apart_and_deleted_ones_never_listed()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 6);
        await database.ExecuteSqlAsync("UPDATE users SET is_active = false WHERE username IN ('account1', 'account2')", Ct);
        await database.ExecuteSqlAsync("UPDATE users SET is_active = false, deleted_at = now() WHERE username = 'account3'", Ct);
        Assert.Equal((6, 2, 4), ((await ListAsync(reader, "")).Total, (await ListAsync(reader, "is_active=false")).Total, (await ListAsync(reader, "is_active=true")).Total));
        Assert.Equal(["account1", "account2"], (await ListAsync(reader, "is_active=false&search=account")).Items.Select(u => u.Username));
    }

    [Fact]
    public async Task Beyond_10_000_the_total_is_an_estimate()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 9_999);
        var exact = await ListAsync(reader, "limit=1");
        Assert.Equal((10_000, false), (exact.Total, exact.TotalIsEstimate));
        await database.AddRightlessUserAsync("onemore", Ct);
        var estimate = await ListAsync(reader, "limit=1");
        Assert.Equal((10_000, true), (estimate.Total, estimate.TotalIsEstimate));
        var filtered = await ListAsync(reader, "limit=1&search=onemore");
        Assert.Equal((1, false), (filtered.Total, filtered.TotalIsEstimate));
    }

    [Fact]
    public async Task Paging_out_of_range_and_cursors_that_are_not_of_this_list_are_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 5);

        foreach (var query in new[] { "limit=0", "limit=-1", "limit=201", "offset=-1", "offset=0&cursor=a", "limit=2147483647" })
        {
            Assert.Equal("http.paging_not_valid", await CodeAsync(reader, query));
        }

        foreach (var query in new[] { "limit=abc", "limit=1.0", "offset=x", "limit=99999999999", "is_active=perhaps" }) Assert.Equal("http.malformed", await CodeAsync(reader, query));
        foreach (var query in new[] { "sort=password_hash", "sort=", "sort=ID", "sort=--id", "sort=id;", "sort=email%20desc" }) Assert.Equal("users.sort_not_known", await CodeAsync(reader, query));

        var cursor = (await ListAsync(reader, "limit=2&sort=email&search=account&is_active=true")).NextCursor!;
        Assert.NotNull((await ListAsync(reader, $"limit=1&sort=email&search=account&is_active=true&cursor={cursor}")).NextCursor);   // another page size is no other list
        foreach (var query in new[]
        {
            "sort=email&search=account&is_active=true&cursor=", $"sort=email&search=account&is_active=true&cursor={cursor[..^1]}", $"sort=email&search=account&is_active=true&cursor={cursor}A",
            $"sort=email&search=account&is_active=true&cursor={cursor[..^4]}AAAA", $"sort=-email&search=account&is_active=true&cursor={cursor}", $"sort=username&search=account&is_active=true&cursor={cursor}",
            $"search=account&is_active=true&cursor={cursor}", $"sort=email&search=accoun&is_active=true&cursor={cursor}", $"sort=email&is_active=true&cursor={cursor}",
            $"sort=email&search=account&is_active=false&cursor={cursor}", $"sort=email&search=account&cursor={cursor}", $"sort=email&search=account&is_active=true&cursor={new string('A', 5000)}",
            "sort=email&search=account&is_active=true&cursor=%00", "sort=email&search=account&is_active=true&cursor=%F0%9F%98%80",
        })
        {
            Assert.True(await CodeAsync(reader, query) == "http.cursor_not_valid", query);
        }
    }

    // The longest address there may be, of characters that take three bytes each: with room for 1,024 characters in a cursor the next page
    // of this list could not be asked for, and this fails.
    [Fact]
    public async Task The_cursor_of_the_longest_address_is_read_again()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        var longest = new string('\u4e00', 252) + "@\u4e00";
        await database.ExecuteSqlAsync("INSERT INTO users (email, username, password_hash) VALUES ($1, 'long1', 'none'), ($2, 'long2', 'none')", Ct, longest, "\u4e01" + longest[1..]);
        var cursor = (await ListAsync(reader, "limit=1&sort=email&offset=1")).NextCursor!;
        Assert.Equal("long2", Assert.Single((await ListAsync(reader, $"limit=1&sort=email&cursor={cursor}")).Items).Username);
    }

    // No list asks more often because there is more to tell. A query for each row in place of the array in list_roles.sql would fail here.
    [Theory]
    [InlineData("/api/v1/users")]
    [InlineData("/api/v1/roles")]
    [InlineData("/api/v1/permissions")]
    [InlineData("/api/v1/users/1/roles")]
    [InlineData("/api/v1/me/permissions")]
    [InlineData("/api/v1/me/sessions")]
    [InlineData("/api/v1/users/profile")]
    [InlineData("/api/v1/users/1")]
    public async Task The_number_of_statements_does_not_grow_with_the_rows(string path)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        Assert.Equal(1, admin.Id);
        using var statements = new Statements();
        var counts = new List<int>();
        var rows = 0;
        foreach (var more in new[] { 1, 9, 90 })
        {
            for (var i = 0; i < more; i++, rows++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"row{rows}");
                await database.AddPermissionAsync(name, "read", Ct);
                await database.GrantAsync(admin.Id, await database.AddRoleAsync(name, Ct, name + ":read"), Ct);
                await database.AddRightlessUserAsync(name, Ct);
                if (rows < 40) await database.ExecuteSqlAsync("INSERT INTO sessions SELECT gen_random_uuid(), 1, now(), now() + interval '1 day', now() + interval '1 day', now(), 0, '', '', NULL, NULL, '{pwd}', NULL, NULL", Ct);
            }

            // What was changed by SQL is learnt by a poll: this is sooner. Then the first call fills the caches, and the second is the one that counts.
            await node.Services.GetRequiredService<TieredCache>().ConfirmAsync(["catalog", "user:1", "profile:1"], Ct);
            await statements.OfAsync(admin, path, Ct);
            counts.Add(await statements.OfAsync(admin, path, Ct));
        }

        Assert.InRange(counts[0], 0, 2);
        Assert.All(counts, count => Assert.Equal(counts[0], count));
    }

    private static void AssertInOrder(List<UserSummary> users, string sort)
    {
        // As PostgreSQL orders: the key, then the number; nobody's log-in comes before every log-in.
        object Key(UserSummary u) => sort.TrimStart('-') switch
        {
            "id" => u.Id,
            "email" => u.Email.ToLowerInvariant(),
            "username" => u.Username.ToLowerInvariant(),
            "created_at" => u.CreatedAt,
            _ => u.LastLoginAt ?? DateTimeOffset.MinValue,
        };
        var sign = sort.StartsWith('-') ? -1 : 1;
        foreach (var (first, second) in users.Zip(users.Skip(1)))
        {
            var keys = Key(first) is string text ? string.CompareOrdinal(text, (string)Key(second)) : Comparer<object>.Default.Compare(Key(first), Key(second));
            Assert.True(sign * (keys != 0 ? keys : first.Id.CompareTo(second.Id)) < 0, $"{sort}: {first} before {second}");
        }
    }

    private static Task<int> InsertAsync(TestDatabase database, int count) => database.ExecuteSqlAsync(
        "INSERT INTO users (email, username, password_hash) SELECT 'account' || n || '@example.org', 'account' || n, 'none' FROM generate_series(1, $1) n", CancellationToken.None, count);

    private async Task<Page<UserSummary>> ListAsync(Account reader, string query)
    {
        using var answer = await reader.SendAsync(HttpMethod.Get, "/api/v1/users?" + query, body: null, Ct);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{query}: {await answer.Content.ReadAsStringAsync(Ct)}");
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.PageUserSummary, Ct))!;
    }

    private async Task<string> CodeAsync(Account reader, string query)
    {
        using var answer = await reader.SendAsync(HttpMethod.Get, "/api/v1/users?" + query, body: null, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        return (await answer.ProblemAsync(Ct)).Code;
    }

    /// <summary>Counts the statements that belong to one request, by the trace it carries, whatever else runs at the time.</summary>
    private sealed class Statements : IDisposable
    {
        private readonly ConcurrentDictionary<ActivityTraceId, int> _counts = new();
        private readonly ActivityListener _listener;

        public Statements()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name is "Npgsql" or "Microsoft.AspNetCore",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStopped = activity =>
                {
                    if (activity.Source.Name == "Npgsql") _counts.AddOrUpdate(activity.TraceId, 1, (_, count) => count + 1);
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public async Task<int> OfAsync(Account account, string path, CancellationToken ct)
        {
            var trace = ActivityTraceId.CreateRandom();
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", account.Tokens.AccessToken);
            request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");
            using var answer = await account.Node.Http.SendAsync(request, ct);
            answer.EnsureSuccessStatusCode();
            await answer.Content.ReadAsStringAsync(ct);
            return _counts.GetValueOrDefault(trace);
        }

        public void Dispose() => _listener.Dispose();
    }
}
