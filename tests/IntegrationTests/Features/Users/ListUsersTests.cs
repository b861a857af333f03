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
            Assert.Equal((20L, false), (page.Total, page.TotalIsEstimate));
            var byOffset = await ListAsync(reader, $"limit=8&sort=-username&search=acc&offset={offset}");
            Assert.Equal(byOffset.Items, page.Items);
            byLink.AddRange(page.Items.Select(u => u.Id));
            next = LinkOf(answer, "next");
            Assert.Equal(page.NextCursor is not null, next is not null);
            Assert.Equal(page.PrevCursor is not null, LinkOf(answer, "prev") is not null);
            Assert.Equal(offset > 0, page.PrevCursor is not null);
        }

        Assert.Equal(20, byLink.Distinct().Count());
        var beyond = await ListAsync(reader, "offset=2147483647&limit=200");
        Assert.Empty(beyond.Items);
        Assert.Equal((21, null), (beyond.Total, beyond.NextCursor));
    }

    // From the last page to the first, by the cursors of each page: the same pages. Forget to turn the rows round, and this fails.
    [Fact]
    public async Task A_walk_back_meets_the_pages_of_the_walk_there()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 40);
        await database.ExecuteSqlAsync("UPDATE users SET is_active = false WHERE id % 5 = 0", Ct);
        foreach (var query in Sorts.SelectMany(s => new[] { s, "-" + s }).SelectMany(s => new[] { $"sort={s}", $"sort={s}&search=account", $"sort={s}&search=ac&is_active=true", $"sort={s}&is_active=false", $"sort={s}&search=unt1" }))
        {
            var pages = new List<Page<UserSummary>> { await ListAsync(reader, $"limit=3&{query}") };
            while (pages[^1].NextCursor is { } next) pages.Add(await ListAsync(reader, $"limit=3&{query}&cursor={next}"));
            Assert.Null(pages[0].PrevCursor);
            var back = pages[^1];
            for (var i = pages.Count - 2; i >= 0; i--)
            {
                back = await ListAsync(reader, $"limit=3&{query}&cursor={back.PrevCursor}");
                Assert.Equal(pages[i].Items, back.Items);
                Assert.Equal(pages[i].NextCursor, back.NextCursor);
                Assert.Equal(i > 0, back.PrevCursor is not null);
                Assert.Equal(pages[i].Total, back.Total);
            }
        }
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
            ("0%@", ["percent"]), ("R_S", ["plain"]), ("ck\\s", ["slash"]), ("k\\\\s", []), ("te's", ["quote"]), ("tar*", ["star"]),
            ("jürgen", ["Jürgen"]), ("JÜRGEN", ["Jürgen"]), ("ελλη", ["Ελλη"]), ("PLAIN", ["plain"]), ("%%%", []), ("___", []), ("a%e", []), ("no such", []),
            // One or two: how an address or a name begins.
            ("%", []), ("_", []), ("\\", []), ("'", []), ("10", ["percent"]), ("1_", []), ("P", ["percent", "plain"]), ("pl", ["plain"]), ("ST", ["star"]), ("JÜ", ["Jürgen"]), ("ελ", ["Ελλη"]), ("ta", []),
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

    // The total that triggers keep, after everything that can happen to an account, by many at once. Leave one of the triggers out, and this fails.
    [Fact]
    public async Task The_total_is_exact_whatever_happens_and_however_many_do_it()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 200);
        await Race.RunAsync(8, async worker =>
        {
            var mine = $"username LIKE 'account%' AND id % 8 = {worker}";
            foreach (var sql in new[]
            {
                $"UPDATE users SET is_active = false WHERE {mine} AND id % 3 = 0",
                $"UPDATE users SET deleted_at = now(), is_active = false WHERE {mine} AND id % 5 = 0",
                $"UPDATE users SET last_login_at = now(), is_active = is_active WHERE {mine}",
                $"DELETE FROM users WHERE {mine} AND id % 7 = 0",
                $"UPDATE users SET deleted_at = NULL, is_active = true WHERE {mine} AND id % 10 = 0",
                $"INSERT INTO users (email, username, password_hash, is_active) SELECT 'w{worker}-' || n || '@example.org', 'w{worker}-' || n, 'none', n % 2 = 0 FROM generate_series(1, 9) n",
                $"DO $$ BEGIN FOR n IN 1..60 LOOP INSERT INTO users (email, username, password_hash) VALUES ('w{worker}x' || n || '@example.org', 'w{worker}x' || n, 'none'); END LOOP; END $$",
            })
            {
                await database.ExecuteSqlAsync(sql, Ct);
            }

            return true;
        });
        // What was done and undone.
        await using (var connection = await database.DataSource.OpenConnectionAsync(Ct))
        await using (var transaction = await connection.BeginTransactionAsync(Ct))
        {
            await using var command = new Npgsql.NpgsqlCommand("DELETE FROM users WHERE username LIKE 'w%'", connection, transaction);
            await command.ExecuteNonQueryAsync(Ct);
            await transaction.RollbackAsync(Ct);
        }

        foreach (var (query, condition) in new[] { ("", "true"), ("is_active=true", "is_active"), ("is_active=false", "NOT is_active") })
        {
            var page = await ListAsync(reader, "limit=1&" + query);
            Assert.Equal((await database.ReadSqlAsync<long>($"SELECT count(*) FROM users WHERE deleted_at IS NULL AND {condition}", Ct), false), (page.Total, page.TotalIsEstimate));
        }

        // Folded one time in a hundred: that two thousand in a row leave 1,500 rows happens once in three million runs; never folded, they are more than 2,000.
        await database.ExecuteSqlAsync("DO $$ BEGIN FOR n IN 1..2000 LOOP INSERT INTO users (email, username, password_hash) VALUES ('y' || n || '@example.org', 'y' || n, 'none'); END LOOP; END $$", Ct);
        Assert.InRange(await database.ReadSqlAsync<long>("SELECT count(*) FROM user_counts", Ct), 1, 1_500);
    }

    // Where most match, nobody counts them unless asked to; where few do, the index has found them all.
    [Fact]
    public async Task Of_a_search_that_finds_much_of_a_large_table_the_total_is_an_estimate_unless_it_is_asked_for()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 20_000);
        await database.ExecuteSqlAsync("ANALYZE users", Ct);
        foreach (var search in new[] { "account", "ac" })
        {
            var estimate = await ListAsync(reader, $"limit=2&search={search}");
            Assert.True(estimate.TotalIsEstimate);
            Assert.InRange(estimate.Total!.Value, 18_000, 20_001);
            Assert.Equal(["account1", "account2"], estimate.Items.Select(u => u.Username));
            var exact = await ListAsync(reader, $"limit=2&search={search}&count=exact");
            Assert.Equal((20_000, false), (exact.Total, exact.TotalIsEstimate));
            var none = await ListAsync(reader, $"limit=2&search={search}&count=none");
            Assert.Equal((null, false), (none.Total, none.TotalIsEstimate));
            Assert.Equal(exact.Items, none.Items);
        }

        foreach (var search in new[] { "unt1999", "count1999" })
        {
            var few = await ListAsync(reader, $"search={search}");
            Assert.Equal((11, false), (few.Total, few.TotalIsEstimate));
        }

        Assert.Null((await ListAsync(reader, "count=none")).Total);
        Assert.Equal(20_001, (await ListAsync(reader, "count=estimated")).Total);
    }

    [Fact]
    public async Task Paging_out_of_range_and_cursors_that_are_not_of_this_list_are_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await InsertAsync(database, 5);

        foreach (var query in new[] { "limit=0", "limit=-1", "limit=201", "offset=-1", "offset=0&cursor=a", "limit=2147483647", "count=some", "count=" })
        {
            Assert.Equal("http.paging_not_valid", await CodeAsync(reader, query));
        }

        foreach (var query in new[] { "limit=abc", "limit=1.0", "offset=x", "limit=99999999999", "is_active=perhaps" }) Assert.Equal("http.malformed", await CodeAsync(reader, query));
        foreach (var query in new[] { "sort=password_hash", "sort=", "sort=ID", "sort=--id", "sort=id;", "sort=email%20desc" }) Assert.Equal("http.sort_not_known", await CodeAsync(reader, query));

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

    private static string? LinkOf(HttpResponseMessage answer, string relation) =>
        (answer.Headers.TryGetValues("Link", out var lines) ? string.Join(", ", lines) : "").Split(", ").FirstOrDefault(l => l.EndsWith($"rel=\"{relation}\"", StringComparison.Ordinal))?.Split('<', '>')[1];

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
