using System.Net;
using System.Text.Json.Nodes;
using AuthService.Client;
using FsCheck;
using FsCheck.Fluent;
using SolidCache;

namespace IntegrationTests.Http;

/// <summary>What all lists have in common: pages forth and back while entries come and go, totals, and what is refused.</summary>
public class ListsTests(Servers servers) : IClassFixture<Servers>
{
    // Entries are named k<order>p<n> if they stay, k<order>c<n> if they come and go; $1 is a random number, by which new ones are put among the others, $2 is
    // counted up. Ties wherever there can be some.
    private static readonly Dictionary<string, ListUnderTest> Lists = new(StringComparer.Ordinal)
    {
        ["users"] = new("/api/v1/users", "users", "deleted_at IS NULL", "username LIKE 'k%c%'", "username LIKE 'k%'",
            new() { ["id"] = "id", ["email"] = "lower(email)", ["created_at"] = "created_at", ["last_login_at"] = "coalesce(last_login_at, '-infinity')" },
            "INSERT INTO users (email, username, password_hash, created_at, last_login_at) SELECT n || '@example.com', n, 'none', t, CASE WHEN $1 % 3 > 0 THEN t END " +
            "FROM (SELECT 'k' || $1 || k || $2 AS n, '2026-01-01'::timestamptz + interval '1 hour' * ($1 % 5) AS t FROM (SELECT $3::text AS k) v) w",
            "DELETE FROM users"),
        ["roles"] = new("/api/v1/roles", "roles", "true", "name LIKE 'k%c%'", "name LIKE '%k%'",
            new() { ["name"] = "name", ["id"] = "id" },
            "INSERT INTO roles (name) SELECT 'k' || $1 || $3::text || $2",
            "DELETE FROM roles"),
        ["permissions"] = new("/api/v1/permissions", "permissions", "true", "action LIKE 'k%c%'", "resource || ':' || action LIKE '%k%'",
            new() { ["name"] = "resource", ["id"] = "id" },
            "INSERT INTO permissions (resource, action) SELECT 'r' || ($1 % 5), 'k' || $1 || $3::text || $2",
            "DELETE FROM permissions"),
        ["sessions"] = Sessions("/api/v1/users/{owner}/sessions"),
        ["own sessions"] = Sessions("/api/v1/me/sessions"),
    };

    private CancellationToken Ct => servers.TestTimeout;

    private static ListUnderTest Sessions(string path) => new(path, "sessions", "user_id = {owner} AND revoked_at IS NULL", "user_agent LIKE 'k%c%'", Search: null,
        new() { ["created_at"] = "created_at", ["refreshed_at"] = "rotated_at" },
        "INSERT INTO sessions (id, user_id, cur_hash, created_at, rotated_at, idle_expires_at, absolute_expires_at, amr, user_agent) " +
        "SELECT gen_random_uuid(), {owner}, '', now() - interval '1 hour' * ($1 % 5), '2026-01-01'::timestamptz + interval '1 hour' * ($1 % 7), " +
        "now() + interval '1 day', now() + interval '1 day', '{pwd}', 'k' || $1 || $3::text || $2",
        "UPDATE sessions SET revoked_at = now()");

    // Forth and back at random, pages of any size, others adding and deleting between any two: no walk in one direction meets an entry twice or leaves out one
    // that was there all the time, and a walk back is the walk there turned round. Each of these, done to Http/ListPart.cs, fails here: >= for Way.After; the rows of a
    // page before not turned round; the first row's place in next_cursor.
    [Theory]
    [InlineData("users")]
    [InlineData("roles")]
    [InlineData("permissions")]
    [InlineData("sessions")]
    [InlineData("own sessions")]
    public async Task A_walk_meets_all_that_stays_and_nothing_twice(string name)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var world = await World.SetAsync(node, Lists[name], Ct);
        await Task.Run(() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(20), Prop.ForAll(Walks(world.List), walk => world.WalkAsync(walk).GetAwaiter().GetResult())));
    }

    // What a cursor leads to may be gone by then. Answer such a page without cursors, and this fails: a reader who pages on has nowhere to go. With Before for UpTo in
    // Place.Opposite the way back leaves one out.
    [Theory]
    [InlineData("users", "sort=-id&search=k")]
    [InlineData("roles", "sort=-id&search=k")]
    [InlineData("permissions", "sort=-id&search=k")]
    [InlineData("sessions", "sort=created_at")]
    public async Task A_page_that_others_have_emptied_leads_back_to_where_one_came_from(string name, string sort)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var world = await World.SetAsync(node, Lists[name], Ct);
        await world.AddAsync("c", 6);
        var all = Ids(await world.PageAsync($"limit=200&{sort}"));

        var atEnd = await world.PageAsync($"limit=200&{sort}&offset={all.Count - 3}");
        var back = await world.PageAsync($"limit={all.Count - 3}&{sort}&cursor={atEnd["prev_cursor"]}");
        Assert.Equal(all[..^3], Ids(back));
        Assert.Null(back["prev_cursor"]);

        var first = await world.PageAsync($"limit=3&{sort}");
        var second = await world.PageAsync($"limit=3&{sort}&cursor={first["next_cursor"]}");
        await world.RemoveAsync(all[..3]);
        var empty = await world.PageAsync($"limit=3&{sort}&cursor={second["prev_cursor"]}");
        Assert.Empty(Ids(empty));
        Assert.Null(empty["prev_cursor"]);
        Assert.Equal(Ids(second), Ids(await world.PageAsync($"limit=3&{sort}&cursor={empty["next_cursor"]}")));

        var rest = await world.PageAsync($"limit={all.Count - 5}&{sort}");
        await world.RemoveAsync(all[^2..]);
        var end = await world.PageAsync($"limit=3&{sort}&cursor={rest["next_cursor"]}");
        Assert.Empty(Ids(end));
        Assert.Null(end["next_cursor"]);
        Assert.Equal(all[^5..^2], Ids(await world.PageAsync($"limit=3&{sort}&cursor={end["prev_cursor"]}")));
    }

    // Leave the order out of the scope in ListPart.Of, and this fails.
    [Theory]
    [InlineData("users", "sort=email", "sort=-email", "sort=username", "sort=email&search=k", "sort=email&is_active=true")]
    [InlineData("roles", "sort=name", "sort=-name", "sort=id", "sort=name&search=k")]
    [InlineData("permissions", "sort=name", "sort=-name", "sort=id", "sort=name&search=k")]
    [InlineData("sessions", "sort=created_at", "sort=-created_at", "sort=refreshed_at")]
    [InlineData("own sessions", "sort=created_at", "sort=-created_at", "sort=refreshed_at")]
    public async Task Paging_out_of_range_and_cursors_made_elsewhere_are_refused(string name, string sort, params string[] others)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var world = await World.SetAsync(node, Lists[name], Ct);
        foreach (var query in new[] { "limit=0", "limit=-1", "limit=201", "limit=2147483647", "offset=-1", "offset=0&cursor=a", "count=some", "count=", "count=EXACT" })
            Assert.Equal((query, "http.paging_not_valid"), (query, await world.CodeAsync(query)));
        foreach (var query in new[] { "limit=abc", "limit=1.0", "limit=99999999999", "limit=%20", "offset=x" }) Assert.Equal((query, "http.malformed"), (query, await world.CodeAsync(query)));
        foreach (var query in new[] { "sort=password_hash", "sort=", "sort=-", "sort=--id", "sort=ID", "sort=cur_hash", "sort=created_at%20desc", "sort=version" })
            Assert.Equal((query, "http.sort_not_known"), (query, await world.CodeAsync(query)));

        var cursor = (string)(await world.PageAsync($"limit=2&{sort}"))["next_cursor"]!;
        Assert.NotEmpty(Ids(await world.PageAsync($"limit=1&{sort}&count=none&cursor={cursor}")));   // another size, another total: the same list
        string[] forgeries = ["", "A", cursor[..^1], cursor[..^4], cursor + "A", cursor + "AAAA", cursor[..^4] + "AAAA", "AAAA" + cursor[4..], cursor[..22], new string('A', 5000), "%00", "%F0%9F%98%80", cursor + "%3D"];
        foreach (var forged in forgeries) Assert.Equal((forged, "http.cursor_not_valid"), (forged, await world.CodeAsync($"{sort}&cursor={forged}")));
        foreach (var other in others) Assert.Equal((other, "http.cursor_not_valid"), (other, await world.CodeAsync($"{other}&cursor={cursor}")));
    }

    // Leave the list's name or the account's number out of the scope, and this fails.
    [Fact]
    public async Task A_cursor_of_another_list_or_of_another_account_is_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var worlds = new List<World>();
        foreach (var list in Lists.Values) worlds.Add(await World.SetAsync(node, list, Ct));
        foreach (var (world, sort) in worlds.SelectMany(w => w.List.Sorts.Keys.Select(s => (w, s))))
        {
            var page = await world.PageAsync($"limit=2&sort={sort}&offset=2");
            foreach (var cursor in new[] { (string)page["next_cursor"]!, (string)page["prev_cursor"]! })
                foreach (var other in worlds.Where(w => w != world && w.List.Sorts.ContainsKey(sort)))   // each has an owner of its own
                    Assert.Equal((world.Path, other.Path, "http.cursor_not_valid"), (world.Path, other.Path, await other.CodeAsync($"sort={sort}&cursor={cursor}")));
        }

        // One's own sessions are the same list when they are administered.
        var (administered, own) = (worlds[^2], worlds[^1]);
        var mine = (string)(await own.PageAsync("limit=2"))["next_cursor"]!;
        Assert.Equal(Ids(await own.PageAsync($"limit=3&cursor={mine}")), Ids(await administered.PageAsync($"limit=3&cursor={mine}", own.Owner)));
    }

    // Up to 10,000 rows are counted; of more the total is worked out from the first 10,001, unless it is asked for. Leave RowsForTotal's bound out and nothing is an estimate.
    [Theory]
    [InlineData("roles")]
    [InlineData("permissions")]
    public async Task The_total_is_exact_up_to_ten_thousand_rows_and_beyond_if_it_is_asked_for(string name)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var world = await World.SetAsync(node, Lists[name], Ct);
        var there = await database.ReadSqlAsync<long>($"SELECT count(*) FROM {world.List.Table}", Ct);
        await FillAsync(database, name, 10_000 - (int)there);
        await ConfirmAsync(node);
        Assert.Equal((10_000L, false), Total(await world.PageAsync("limit=1")));
        Assert.Equal((await OftenAsync(), false), Total(await world.PageAsync("limit=1&search=often")));

        await FillAsync(database, name, 5_000);
        await database.ExecuteSqlAsync($"ANALYZE {world.List.Table}", Ct);
        await ConfirmAsync(node);
        Assert.Equal((15_000L, true), Total(await world.PageAsync("limit=1")));
        Assert.Equal((15_000L, true), Total(await world.PageAsync("limit=1&count=estimated")));
        Assert.Equal((15_000L, false), Total(await world.PageAsync("limit=1&count=exact")));
        Assert.Equal((null, false), Total(await world.PageAsync("limit=1&count=none")));
        var exact = await OftenAsync();
        Assert.Equal((exact, false), Total(await world.PageAsync("limit=1&count=exact&search=often")));
        var (estimate, isEstimate) = Total(await world.PageAsync("limit=1&search=often"));
        Assert.True(isEstimate);
        Assert.InRange(estimate!.Value, exact * 9 / 10, exact * 11 / 10);
        Assert.Equal((null, false), Total(await world.PageAsync("limit=1&count=none&search=often")));

        Task<long> OftenAsync() => database.ReadSqlAsync<long>($"SELECT count(*) FROM {world.List.Table} WHERE {(name == "roles" ? "name" : "action")} LIKE '%often%'", Ct);
        static Task<int> FillAsync(TestDatabase database, string name, int count) => database.ExecuteSqlAsync(
            (name == "roles" ? "INSERT INTO roles (name) SELECT " : "INSERT INTO permissions (resource, action) SELECT 'r' || n % 100, ") +
            "CASE WHEN n % 10 > 0 THEN 'often' ELSE 'seldom' END || n || gen_random_uuid() FROM generate_series(1, $1) n", CancellationToken.None, count);
    }

    [Fact]
    public async Task The_sessions_of_an_account_are_seen_by_who_may_see_them_and_by_its_owner()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.AddAccountAsync("anna", Ct);
        var again = await node.OpenSessionAsync(anna.Id, Ct);
        var ended = await node.OpenSessionAsync(anna.Id, Ct);
        using (await ended.SendAsync(HttpMethod.Post, "/api/v1/auth/logout", body: null, Ct)) { }
        var warden = await node.AddAccountAsync("warden", Ct, "sessions:read");
        var path = $"/api/v1/users/{anna.Id}/sessions";
        var seen = await warden.GetAsync(path, WireJson.Default.PageSessionInfo, Ct);
        var own = await again.GetAsync("/api/v1/me/sessions", WireJson.Default.PageSessionInfo, Ct);
        Assert.Equal(own.Items.Select(s => s.Id), seen.Items.Select(s => s.Id));
        Assert.Equal((2, 2), (own.Total, seen.Total));
        Assert.Equal([true, false], own.Items.Select(s => s.IsCurrent));
        Assert.DoesNotContain(seen.Items, s => s.IsCurrent);
        Assert.True(Assert.Single((await warden.GetAsync($"/api/v1/users/{warden.Id}/sessions", WireJson.Default.PageSessionInfo, Ct)).Items).IsCurrent);

        using (var curious = await anna.SendAsync(HttpMethod.Get, $"/api/v1/users/{warden.Id}/sessions", body: null, Ct)) Assert.Equal("authz.not_permitted", (await curious.ProblemAsync(Ct)).Code);
        using (var missing = await warden.SendAsync(HttpMethod.Get, "/api/v1/users/4611686018427387904/sessions", body: null, Ct)) Assert.Equal("users.not_found", (await missing.ProblemAsync(Ct)).Code);
        await database.ExecuteSqlAsync("UPDATE users SET deleted_at = now(), is_active = false WHERE id = $1", Ct, anna.Id);
        using (var deleted = await warden.SendAsync(HttpMethod.Get, path, body: null, Ct)) Assert.Equal("users.not_found", (await deleted.ProblemAsync(Ct)).Code);
        var nobody = await database.AddRightlessUserAsync("nobody", Ct);
        var none = await warden.GetAsync($"/api/v1/users/{nobody}/sessions", WireJson.Default.PageSessionInfo, Ct);
        Assert.Empty(none.Items);
        Assert.Equal((0, null, null), (none.Total, none.NextCursor, none.PrevCursor));
    }

    private static Arbitrary<Walk> Walks(ListUnderTest list)
    {
        var churn = from adds in Gen.Choose(0, 2) from removes in Gen.Choose(0, 2) from seed in Gen.Choose(0, 99) select new Churn(adds, removes, seed);
        var step = from forth in Gen.Frequency((2, Gen.Constant(true)), (1, Gen.Constant(false))) from limit in Gen.Choose(1, 6) from c in churn select new Step(forth, limit, c);
        var walk = from sort in Gen.Elements(list.Sorts.Keys.ToArray())
                   from down in Gen.Elements(false, true)
                   from search in Gen.Elements(false, list.Search is not null)
                   from steps in step.ListOf(20)
                   select new Walk(sort, down, search, [.. steps]);
        return Arb.From(walk, w => w.Steps.Select((_, i) => w with { Steps = [.. w.Steps.Where((_, j) => j != i)] }));
    }

    private static List<string> Ids(JsonNode page) => [.. page["items"]!.AsArray().Select(i => i!["id"]!.ToString())];

    private static (long? Total, bool IsEstimate) Total(JsonNode page) => ((long?)page["total"], (bool)page["total_is_estimate"]!);

    /// <summary>What was changed by SQL is learnt by a poll: this is sooner.</summary>
    private static Task ConfirmAsync(Node node) => node.Services.GetRequiredService<TieredCache>().ConfirmAsync(["catalog"], CancellationToken.None);

    /// <param name="There">What is in the list.</param>
    /// <param name="Comes">What comes and goes.</param>
    /// <param name="Search">What <c>search=k</c> finds; null: the list has no search.</param>
    /// <param name="Sorts">Name and SQL.</param>
    private sealed record ListUnderTest(string Path, string Table, string There, string Comes, string? Search, Dictionary<string, string> Sorts, string Insert, string Remove);

    public sealed record Walk(string Sort, bool Descending, bool Search, Step[] Steps)
    {
        public override string ToString() => $"{Sort} {(Descending ? "DESC" : "ASC")} search: {Search} {string.Join<Step>(", ", Steps)}";
    }

    public sealed record Step(bool Forth, int Limit, Churn Churn);

    public sealed record Churn(int Adds, int Removes, int Seed);

    private sealed class World(ListUnderTest list, Account reader, Account owner, CancellationToken ct)
    {
        private int _count;

        public ListUnderTest List => list;
        public Account Owner => owner;
        public string Path => For(owner, list.Path);

        public static async Task<World> SetAsync(Node node, ListUnderTest list, CancellationToken ct)
        {
            var name = Guid.NewGuid().ToString("N");
            var owner = await node.AddAccountAsync("owner" + name, ct);
            var reader = list.Path.Contains("/me/", StringComparison.Ordinal) ? owner : await node.AddAccountAsync("reader" + name, ct, list.Table + ":read");
            var world = new World(list, reader, owner, ct);
            await world.AddAsync("p", 25);
            return world;
        }

        public async Task AddAsync(string kind, int count, int seed = 0)
        {
            for (var i = 0; i < count; i++) await Database.ExecuteSqlAsync(For(owner, list.Insert), ct, (seed + i * 37) % 100, ++_count, kind);
            await ConfirmAsync(owner.Node);
        }

        public async Task RemoveAsync(List<string> ids)
        {
            await Database.ExecuteSqlAsync(For(owner, $"{list.Remove} WHERE id::text = ANY ($1)"), ct, (object)ids.ToArray());
            await ConfirmAsync(owner.Node);
        }

        public async Task<JsonNode> PageAsync(string query, Account? of = null)
        {
            using var answer = await reader.SendAsync(HttpMethod.Get, $"{For(of ?? owner, list.Path)}?{query}", body: null, ct);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{query}: {await answer.Content.ReadAsStringAsync(ct)}");
            return (await answer.Content.ReadFromJsonAsync<JsonNode>(ct))!;
        }

        public async Task<string> CodeAsync(string query)
        {
            using var answer = await reader.SendAsync(HttpMethod.Get, $"{Path}?{query}", body: null, ct);
            Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{query}: {answer.StatusCode}");
            return (await answer.ProblemAsync(ct)).Code;
        }

        public async Task WalkAsync(Walk walk)
        {
            await Database.ExecuteSqlAsync(For(owner, $"{list.Remove} WHERE {list.There} AND {list.Comes}"), ct);
            await ConfirmAsync(owner.Node);
            var query = $"sort={(walk.Descending ? "-" : "")}{walk.Sort}{(walk.Search ? "&search=k" : "")}";
            var staying = await IdsInOrderAsync(walk);
            var place = staying.Select((id, i) => (id, i)).ToDictionary(s => s.id, s => s.i, StringComparer.Ordinal);

            // The page shows what stays from one number up to before another; the pages beside it show what comes before and after.
            var page = await PageAsync($"{query}&limit=3");
            var (from, to) = (0, Staying(page).Count);
            Assert.Equal(staying[..to], Staying(page));
            var met = Ids(page).ToHashSet(StringComparer.Ordinal);
            var wentForth = true;
            foreach (var step in walk.Steps)
            {
                await AddAsync("c", step.Churn.Adds, step.Churn.Seed);
                if (step.Churn.Removes > 0)
                {
                    await RemoveAsync([.. await Database.ReadSqlAsync<string[]>(
                        For(owner, $"SELECT coalesce(array_agg(id), '{{}}') FROM (SELECT id::text FROM {list.Table} WHERE {list.There} AND {list.Comes} ORDER BY md5(id::text || $1::text) LIMIT $2) v"), ct, step.Churn.Seed, step.Churn.Removes)]);
                }

                if (page[step.Forth ? "next_cursor" : "prev_cursor"] is not { } cursor)
                {
                    Assert.Equal(step.Forth ? staying.Count : 0, step.Forth ? to : from);
                    continue;
                }

                page = await PageAsync($"{query}&limit={step.Limit}&cursor={cursor}");
                var ids = Ids(page);
                Assert.InRange(ids.Count, 0, step.Limit);
                if (step.Forth != wentForth) met.Clear();
                wentForth = step.Forth;
                foreach (var id in ids) Assert.True(met.Add(id), $"{id} twice");
                var shown = Staying(page);
                (from, to) = step.Forth ? (to, to + shown.Count) : (from - shown.Count, from);
                Assert.True(from >= 0 && to <= staying.Count);
                Assert.Equal(staying[from..to], shown);
                if (page["total"] is not null) Assert.Equal((await IdsInOrderAsync(walk)).Count, (long?)page["total"]);
            }

            // Nobody else now: there, and back.
            var forth = Ids(page = await PageAsync($"{query}&limit=7"));
            while (page["next_cursor"] is { } next) forth.AddRange(Ids(page = await PageAsync($"{query}&limit=7&cursor={next}")));
            var back = new List<List<string>> { Ids(page) };
            while (page["prev_cursor"] is { } previous) back.Insert(0, Ids(page = await PageAsync($"{query}&limit=7&cursor={previous}")));
            var all = await IdsInOrderAsync(walk);
            Assert.Equal(all, forth);
            Assert.Equal(all, back.SelectMany(p => p));

            List<string> Staying(JsonNode shown) => [.. Ids(shown).Where(place.ContainsKey)];
        }

        private async Task<List<string>> IdsInOrderAsync(Walk walk)
        {
            var (direction, tie) = (walk.Descending ? "DESC" : "ASC", list.Table == "permissions" && walk.Sort == "name" ? "action" : "id");
            return [.. await Database.ReadSqlAsync<string[]>(
                For(owner, $"SELECT array_agg(id::text ORDER BY {list.Sorts[walk.Sort]} {direction}, {tie} {direction}) FROM {list.Table} WHERE {list.There} AND {(walk.Search ? list.Search : "true")}"), ct)];
        }

        private TestDatabase Database => owner.Node.Database;

        private static string For(Account owner, string text) => text.Replace("{owner}", owner.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
