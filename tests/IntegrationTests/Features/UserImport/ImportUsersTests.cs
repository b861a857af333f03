using System.Net;
using System.Text;
using AuthService.Caching;
using AuthService.Features.UserImport;
using AuthService.Features.Users;
using Npgsql;

namespace IntegrationTests.Features.UserImport;

/// <summary>Accounts out of files.</summary>
public class ImportUsersTests(Servers servers) : IClassFixture<Servers>
{
    private const string Bcrypt = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Good_lines_are_stored_and_bad_ones_named_with_their_number_and_reason()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddRoleAsync("editor", Ct);
        await database.AddRightlessUserAsync("there", Ct);
        var lines = new[]
        {
            "\uFEFF{\"email\":\"anna@example.org\",\"username\":\"anna\",\"display_name\":\"Ännä \\\"x\\\"\",\"roles\":[\"editor\",\"user\"],\"password_hash\":\"" + Bcrypt + "\",\"created_at\":\"2019-05-01T10:00:00Z\",\"email_verified\":true}",
            "",
            "{\"email\":\"berta@example.org\",\"username\":\"berta\",\"is_active\":false,\"id\":7,\"updated_at\":null}",
            "{\"email\":\"there@example.com\",\"username\":\"x1\"}",
            "{\"email\":\"ANNA@example.org\",\"username\":\"x2\"}",
            "not json",
            "{\"email\":\"c@example.org\",\"username\":\"c3\",\"role\":\"admin\"}",
            "{\"email\":\"c@example.org\",\"username\":\"c3\",\"roles\":[\"nobody\"]}",
            "{\"email\":\"c@example.org\",\"username\":\"c3\",\"password_hash\":\"md5\"}",
            "{\"email\":7,\"username\":\"c3\"}",
            "{\"email\":\"c@example.org\",\"username\":\"c3\"} {}",
            "null",
            "{\"username\":\"c3\"}",
            "{\"email\":\"a\\u0000b@example.org\",\"username\":\"c3\"}",
            "{\"email\":\"last@example.org\",\"username\":\"last\"}",
        };
        var (done, refused) = await ImportAsync(node, string.Join('\n', lines), isCsv: false);
        Assert.Equal(new ImportProgress(14, 3, 11), done);
        Assert.Equal(
            [
                "4 users.email_taken email", "5 users.email_taken email", "6 import.not_readable ", "7 import.not_readable role", "8 roles.not_found roles", "9 passwords.hash_not_known password_hash",
                "10 import.not_readable email", "11 import.not_readable ", "12 import.not_readable ", "13 field.required email", "14 field.format email",
            ], refused);
        Assert.Equal("anna true 2019-05-01 editor,user | berta false now user", await database.ReadAsync<string>(
            """
            SELECT string_agg(concat_ws(' ', u.username, u.is_active::text, CASE WHEN u.created_at > now() - interval '1 h' THEN 'now' ELSE to_char(u.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') END,
                   (SELECT string_agg(r.name, ',' ORDER BY r.name) FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = u.id)), ' | ' ORDER BY u.username)
            FROM users u WHERE u.username IN ('anna', 'berta')
            """, Ct));
        await node.SignInAsync("anna@example.org", "correct horse battery staple", Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("last@example.org", AddUsers.NoPassword, Ct).StatusAsync());
    }

    // Broken off after any transaction, and its connections killed: what it had stored is not stored again, and nothing is left out.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task An_import_that_was_broken_off_goes_on_where_it_was(int seed)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var chance = new SolidCache.Freshness.Chance(seed);
        var file = new StringBuilder();
        for (var i = 0; i < 5_500; i++) file.Append(i % 100 == 99 ? "bad\n" : $"{{\"email\":\"u{i}@example.org\",\"username\":\"u{i}\"}}\n");
        var (told, runs) = (new List<string>(), 0);
        while (true)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var (left, kills) = (chance.Next(3), chance.Next(2) == 0);
            try
            {
                runs++;
                var done = await ImportAsync(node, file.ToString(), isCsv: false, progress: async _ =>
                {
                    if (left-- > 0) return;
                    if (kills) await stop.CancelAsync();
                    else await database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", CancellationToken.None);
                }, refused: told.Add, stop: stop.Token);
                Assert.Equal(new ImportProgress(5_500, 5_445, 55), done);
                break;
            }
            catch (Exception e) when (e is OperationCanceledException or NpgsqlException && runs < 200)
            {
                // Again.
            }
        }

        Assert.Equal(5_445, await database.ReadAsync<long>("SELECT count(*) FROM users WHERE username LIKE 'u%'", Ct));
        Assert.All(told, line => Assert.EndsWith("import.not_readable ", line, StringComparison.Ordinal));   // none is "taken": by itself
        Assert.True(runs > 1);
        Assert.Equal(new ImportProgress(5_500, 5_445, 55), (await ImportAsync(node, file.ToString(), isCsv: false)).Done);
        var (again, refused) = await ImportAsync(node, file.ToString(), isCsv: false, again: true);
        Assert.Equal((5_500, 0, 5_500), (again.Records, again.Stored, again.Refused));
        Assert.Equal(5_500, refused.Count);
    }

    // Move `advance` out of the transaction and a thousand accounts are left out.
    [Fact]
    public async Task A_transaction_that_fails_at_its_commit_leaves_the_import_where_it_was()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.ExecuteAsync(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.username = 'u1500' AND to_regclass('mended') IS NULL THEN RAISE EXCEPTION 'refused at the commit'; END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
            """, Ct);
        var file = string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{{\"email\":\"u{i}@example.org\",\"username\":\"u{i}\"}}\n"));
        await Assert.ThrowsAsync<PostgresException>(() => ImportAsync(node, file, isCsv: false));
        Assert.Equal((1_000, 1_000, 0), await StateAsync(database));
        await database.ExecuteAsync("CREATE TABLE mended ()", Ct);
        Assert.Equal(new ImportProgress(3_000, 3_000, 0), (await ImportAsync(node, file, isCsv: false)).Done);
        Assert.Equal(3_000, await database.ReadAsync<long>("SELECT count(*) FROM users WHERE username LIKE 'u%'", Ct));
    }

    // Let two advance from the same place and each account is stored by one of them and refused to the other.
    [Fact]
    public async Task Of_two_imports_of_one_file_one_goes_through_and_one_is_told()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var file = string.Concat(Enumerable.Range(0, 3_000).Select(i => $"{{\"email\":\"u{i}@example.org\",\"username\":\"u{i}\"}}\n"));
        var both = await Race.RunAsync(2, async _ =>
        {
            try
            {
                return (await ImportAsync(node, file, isCsv: false)).Done.Refused == 0;
            }
            catch (UserFileException)
            {
                return false;
            }
        });
        Assert.Contains(true, both);
        Assert.Equal((3_000, 3_000, 0), await StateAsync(database));
        Assert.Equal(3_000, await database.ReadAsync<long>("SELECT count(*) FROM users WHERE username LIKE 'u%'", Ct));
    }

    [Fact]
    public async Task What_an_export_wrote_an_import_reads_in_either_form()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var reader = await node.AddAccountAsync("reader", Ct, "users:read");
        await database.ExecuteSqlAsync(
            """
            INSERT INTO users (email, username, password_hash, display_name, phone, avatar_url, is_active, email_verified, created_at)
            SELECT 'a' || n || '@example.org', 'a' || n, 'none', names[n], CASE n % 3 WHEN 0 THEN '+49 30 ' || n WHEN 1 THEN '-1' END, CASE n % 2 WHEN 0 THEN 'https://example.org/?a=1,2&b="3"' END, n % 4 <> 0, n % 5 = 0,
                   '2020-02-29 23:59:59.123456+00'::timestamptz + n * interval '1 hour'
            FROM   (SELECT $1::text[] AS names) given, generate_series(1, cardinality($1::text[])) n
            """, Ct, (object)new[] { "plain", "=cmd|' /C calc'!A0", "+1", "-1", "@sum", "'quoted", "''", "say \"hi\", now", "semi;colon", "Ünï 🔑", "  spaces  ", "a,b", "\"", "#comment" });
        await database.ExecuteAsync("INSERT INTO user_roles (user_id, role_id) SELECT u.id, r.id FROM users u, roles r WHERE u.username LIKE 'a%' AND (r.name = 'user' OR u.id % 2 = 0 AND r.name = 'only-reader')", Ct);
        var before = await PictureAsync(database);
        Assert.Equal("users.export_format_not_known", await reader.SendAsync(HttpMethod.Get, "/api/v1/users/export?format=xlsx", body: null, Ct).CodeAsync(HttpStatusCode.BadRequest, Ct));
        foreach (var format in new[] { "ndjson", "csv" })
        {
            using var answer = await reader.SendAsync(HttpMethod.Get, $"/api/v1/users/export?format={format}", body: null, Ct);
            var file = await answer.Content.ReadAsStringAsync(Ct);
            Assert.Equal(format == "csv" ? "text/csv" : "application/x-ndjson", answer.Content.Headers.ContentType?.MediaType);
            // No field that a spreadsheet would compute: each begins with a quote, a digit or a letter.
            if (format == "csv") Assert.DoesNotMatch("(^|,)(\"?)[=+@-]", file.ReplaceLineEndings("\n").Split('\n')[2]);
            await database.ExecuteAsync("DELETE FROM users WHERE username LIKE 'a%'", Ct);
            var (done, refused) = await ImportAsync(node, file, format == "csv");
            Assert.Equal(["users.email_taken"], refused.Select(r => r.Split(' ')[1]));   // the reader's own
            Assert.Equal(14, done.Stored);
            Assert.Equal(before, await PictureAsync(database));
        }
    }

    [Fact]
    public async Task A_CSV_with_strange_lines_or_columns_is_refused_line_by_line_or_as_a_whole()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        const string csv = "username,email,is_active,created_at,roles\r\nanna,anna@example.org,,,\r\n\"two\r\nlines\",b@example.org,true,,user\r\nc1,c@example.org,maybe,,\r\nd1,d@example.org\r\ne1,e@example.org,1,yesterday,\r\nf1,f@example.org,0,2020-01-01,\"user; admin\"\r\n";
        var (done, refused) = await ImportAsync(node, csv, isCsv: true);
        Assert.Equal(["3 field.format username", "5 import.not_readable is_active", "6 import.not_readable ", "7 import.not_readable created_at"], refused);
        Assert.Equal(2, done.Stored);
        Assert.Equal(2, await database.ReadAsync<long>("SELECT count(*) FROM user_roles ur JOIN users u ON u.id = ur.user_id WHERE u.username = 'f1'", Ct));
        foreach (var whole in new[] { "username,mail\nx,y\n", "email,email\na@b,c@d\n", "email,username\n\"" + new string('x', 70_000) + "\",a\n" })
            await Assert.ThrowsAsync<UserFileException>(() => ImportAsync(node, whole, isCsv: true));
        await Assert.ThrowsAsync<UserFileException>(() => ImportAsync(node, "{\"email\":\"" + new string('x', 70_000), isCsv: false));
        Assert.Equal(new ImportProgress(0, 0, 0), (await ImportAsync(node, "", isCsv: true)).Done);
        Assert.Equal(new ImportProgress(0, 0, 0), (await ImportAsync(node, "\n\n", isCsv: false)).Done);
    }

    private static Task<string> PictureAsync(TestDatabase database) => database.ReadAsync<string>(
        """
        SELECT string_agg(concat_ws('|', u.email, u.username, u.display_name, u.phone, u.avatar_url, u.is_active, u.email_verified, u.created_at,
               (SELECT string_agg(r.name, ',' ORDER BY r.name) FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = u.id)), E'\n' ORDER BY u.email)
        FROM users u WHERE u.username LIKE 'a%'
        """, CancellationToken.None);

    private static async Task<(long, long, long)> StateAsync(TestDatabase database)
    {
        var state = await database.ReadAsync<long[]>("SELECT ARRAY[records, stored, refused] FROM user_imports", CancellationToken.None);
        return (state[0], state[1], state[2]);
    }

    private async Task<(ImportProgress Done, List<string> Refused)> ImportAsync(Node node, string file, bool isCsv, bool again = false)
    {
        var refused = new List<string>();
        return (await ImportAsync(node, file, isCsv, _ => Task.CompletedTask, refused.Add, Ct, again), refused);
    }

    private static Task<ImportProgress> ImportAsync(Node node, string file, bool isCsv, Func<ImportProgress, Task> progress, Action<string> refused, CancellationToken stop, bool again = false) =>
        new ImportUsers(node.Services.GetRequiredService<NpgsqlDataSource>(), node.Services.GetRequiredService<Changes>()).ExecuteAsync(
            new MemoryStream(Encoding.UTF8.GetBytes(file)), isCsv, again, now => progress(now).GetAwaiter().GetResult(), (line, problem) => refused($"{line} {problem.Code} {problem.Member}"), stop);
}
