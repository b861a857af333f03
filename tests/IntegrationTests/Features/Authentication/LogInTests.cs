using System.Net;
using AuthService.Client;
using AuthService.Passwords;

namespace IntegrationTests.Features.Authentication;

public class LogInTests(Servers servers) : IClassFixture<Servers>
{
    private const string NotValid = "authn.credentials_not_valid";

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task A_registered_account_signs_in_and_sees_itself()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var anna = await node.CreateUserAsync("anna", Ct);
        Assert.Equal(["user"], anna.Tokens.Roles);

        var profile = await anna.GetAsync("/api/v1/users/profile", WireJson.Default.UserDetail, Ct);
        Assert.Equal(("anna@example.com", "anna", anna.Id), (profile.Email, profile.Username, profile.Id));

        using var other = await anna.SendAsync(HttpMethod.Get, "/api/v1/users", body: null, Ct);
        Assert.Equal(HttpStatusCode.Forbidden, other.StatusCode);
        Assert.Equal("authz.not_permitted", (await other.ProblemAsync(Ct)).Code);

        // The address is compared without regard to case, the password with it.
        await node.Http.LogInAsync("ANNA@Example.COM", Account.StandardPassword, Ct).TokensAsync(Ct);
        Assert.Equal(NotValid, await node.Http.LogInAsync("anna@example.com", Account.StandardPassword.ToUpperInvariant(), Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));
    }

    // T40, T41. A code of its own for any of these, a header only one of them gets, a hash or a statement more or less, and this fails:
    // return before the hash for an unknown address, say.
    [Fact]
    public async Task A_refused_log_in_says_and_does_the_same_whatever_its_reason()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Email:RequireVerified", "true"));
        await database.AddUsersAsync("anna", 7, Ct);
        await database.ExecuteAsync(
            """
            UPDATE users SET email_verified = username <> 'anna3';
            UPDATE users SET is_active = false WHERE username = 'anna4';
            UPDATE users SET is_active = false, deleted_at = now() WHERE username = 'anna5';
            UPDATE users SET temporary_password_until = now() WHERE username = 'anna6';
            UPDATE users SET password_hash = '$argon2id$damaged' WHERE username = 'anna7';
            """, Ct);
        (string Reason, string Email, string Password)[] refused =
        [
            ("unknown", "nobody@example.com", Account.StandardPassword),
            ("unknown, no address at all", "nobody", Account.StandardPassword),
            ("wrong password", "anna2@example.com", "tea kettle on a blue stow"),
            ("wrong password, very long", "anna2@example.com", new string('x', 256)),
            ("wrong password, with a NUL", "anna2@example.com", Account.StandardPassword + "\0"),
            ("unverified", "anna3@example.com", Account.StandardPassword),
            ("inactive", "anna4@example.com", Account.StandardPassword),
            ("inactive, wrong password", "anna4@example.com", "x"),
            ("deleted", "anna5@example.com", Account.StandardPassword),
            ("temporary password out of date", "anna6@example.com", Account.StandardPassword),
            ("damaged hash", "anna7@example.com", Account.StandardPassword),
        ];
        // The control, which also has every statement prepared.
        for (var i = 0; i < 2; i++) await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        Assert.Equal(NotValid, await node.Http.LogInAsync("nobody", "x", Ct).CodeAsync(HttpStatusCode.Unauthorized, Ct));

        var hashing = node.Services.GetRequiredService<PasswordHashing>();
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (reason, email, password) in refused)
        {
            var (hashes, answer) = (hashing.HashCount, "");
            var statements = await Statements.CountAsync(database, async () => answer = await node.VerbatimLogInAsync(email, password, Ct), Ct);
            answers[reason] = $"{answer}\n{hashing.HashCount - hashes} hashes\n{string.Join('\n', statements)}";
        }

        Assert.All(answers, answer => Assert.Equal(answers["unknown"], answer.Value));
        Assert.Contains(NotValid, answers["unknown"], StringComparison.Ordinal);
        Assert.EndsWith("1 hashes\n[Authentication/LogIn.find_user, 1]", answers["unknown"], StringComparison.Ordinal);
    }

    // One more statement, or a second transaction, and this fails.
    [Fact]
    public async Task A_log_in_is_one_read_one_hash_and_one_transaction_of_three_statements()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddUserAsync("anna", Ct);
        for (var i = 0; i < 3; i++) await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);

        var hashing = node.Services.GetRequiredService<PasswordHashing>();
        var hashes = hashing.HashCount;
        var statements = await Statements.CountAsync(database, () => node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct), Ct);

        Assert.Equal(1, hashing.HashCount - hashes);
        Assert.Equal(new SortedDictionary<string, long>
        {
            ["Authentication/LogIn.find_user"] = 1,
            ["Sessions/StartSession.touch_user"] = 1,
            ["Sessions/StartSession.end_surplus"] = 1,
            ["Sessions/StartSession.insert_session"] = 1,
        }, statements);
    }

    // T42. Trim, normalize or cut the password anywhere between the wire and the hash, or count it in other units at log-in than at
    // registration, and this fails.
    [Fact]
    public async Task Passwords_sign_in_exactly_as_they_were_set()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        // U+1F511 and U+20000 are two units of UTF-16 and four bytes of UTF-8 each: 256 of them are the most there can be.
        (string Password, string Near)[] cases =
        [
            (Letters(64), Letters(63)),
            (Letters(128), Letters(127)),
            (Letters(256), Letters(255)),
            (Letters(72) + "one", Letters(72) + "two"),
            (string.Concat(Enumerable.Repeat("🔑𠀀", 128)), string.Concat(Enumerable.Repeat("🔑𠀀", 127)) + "🔑"),
            ("  room on either side  ", "room on either side"),
            ("\ttabs\nand line ends\r\n", "\ttabs\nand line ends"),
            ("caf\u00E9 avec plaisir", "cafe\u0301 avec plaisir"),
            ("nul \0 within the password", "nul "),
            ("\U0010FFFD last of the planes \uE000", "\U0010FFFD last of the planes "),
        ];

        for (var i = 0; i < cases.Length; i++)
        {
            Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync($"person{i}", cases[i].Password, Ct).StatusAsync());
            await node.Http.LogInAsync($"person{i}@example.com", cases[i].Password, Ct).TokensAsync(Ct);
            Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync($"person{i}@example.com", cases[i].Near, Ct).StatusAsync());
        }
    }

    // T44. Without the new hash in touch_user.sql the weak one stays.
    [Theory]
    // Debian's argon2: echo -n 'tea kettle on a blue stove' | argon2 SALT -id -t T -m LOG2(M) -p 1 -l 32 -e
    [InlineData("$argon2id$v=19$m=4096,t=3,p=1$c2l4dGVlbiBieXRlIHNsdA$LZTIx44DyJvQOWQW4WYpDkT0u6oYGp8MQDYTofcXJ68", true)]
    [InlineData("$argon2id$v=19$m=8192,t=1,p=1$c2l4dGVlbiBieXRlIHNsdA$S/GwM0P2KtG+2j3/CvJ4B5yXdjNx5cgN48g1aLqWkVI", true)]
    [InlineData("$argon2id$v=19$m=65536,t=3,p=1$YW5vdGhlciBzYWx0IDE2Yg$yZvJGcBiZn0oOpAfNStNuo9Lcl/zvutZLapiEn8K3mQ", false)]
    public async Task A_hash_of_the_argon2_tool_signs_in_and_a_weak_one_is_replaced_by_todays(string stored, bool isReplaced)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddUserAsync("anna", Ct);
        await database.ExecuteAsync($"UPDATE users SET password_hash = '{stored}'", Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword + "x", Ct).StatusAsync());
        Assert.Equal(stored, await StoredHashAsync(database));

        await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        var after = await StoredHashAsync(database);
        if (isReplaced) Assert.StartsWith("$argon2id$v=19$m=19456,t=2,p=1$", after, StringComparison.Ordinal);
        else Assert.Equal(stored, after);

        // Nobody but the hash has changed: no version, so no session had to end and no ETag.
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT version FROM users", Ct));
        await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        Assert.Equal(after, await StoredHashAsync(database));
    }

    // T44
    [Fact]
    public async Task Equal_passwords_are_stored_under_salts_of_their_own_with_the_configured_parameters()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Passwords:MemoryKiB", "24576"));
        foreach (var name in new[] { "anna", "berta" }) Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync(name, Account.StandardPassword, Ct).StatusAsync());

        var hashes = await database.ReadAsync<string[]>("SELECT array_agg(password_hash) FROM users", Ct);
        Assert.All(hashes, hash =>
        {
            Assert.True(PhcHash.TryParse(hash, out var parameters));
            Assert.Equal(new PhcHash(24_576, 2, 1, SaltBytes: 16, OutputBytes: 32), parameters);
        });
        Assert.NotEqual(hashes[0].Split('$')[4], hashes[1].Split('$')[4]);
    }

    private static Task<string> StoredHashAsync(TestDatabase database) => database.ReadAsync<string>("SELECT password_hash FROM users", CancellationToken.None);

    private static string Letters(int count) => string.Concat(Enumerable.Range(0, count).Select(i => "the five boxing wizards jump quickly "[i % 37]));
}
