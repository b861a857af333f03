using System.Net;
using System.Text;
using AuthService.Client;
using AuthService.Passwords;

namespace IntegrationTests.Features.Authentication;

public class RegisterTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // T40, T41. Answer a taken address with a problem, or skip its hash or its event, and this fails.
    [Fact]
    public async Task A_taken_address_is_answered_and_costs_like_a_free_one()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddUserAsync("anna", Ct);
        foreach (var name in new[] { "one", "two", "three" }) await VerbatimAsync(node, $"{name}@example.com", name);

        var hashing = node.Services.GetRequiredService<PasswordHashing>();
        async Task<string> MeasureAsync(string email, string username)
        {
            var (hashes, answer) = (hashing.HashCount, "");
            var statements = await Statements.CountAsync(database, async () => answer = await VerbatimAsync(node, email, username), Ct);
            return $"{answer}\n{hashing.HashCount - hashes} hashes\n{string.Join('\n', statements)}";
        }

        var free = await MeasureAsync("free@example.com", "somebody");
        var taken = await MeasureAsync("ANNA1@example.com", "somebody-else");
        Assert.Equal(free, taken);
        Assert.StartsWith("Accepted\n", free, StringComparison.Ordinal);
        Assert.Contains("1 hashes\n", free, StringComparison.Ordinal);
        Assert.Equal(await MeasureAsync("free-too@example.com", "anna1"), await MeasureAsync("anna1@example.com", "anna1"));

        // The account that was there is as it was, and the name asked for with the taken address is free.
        Assert.Equal(HttpStatusCode.Unauthorized, await node.Http.LogInAsync("anna1@example.com", "a red kettle on no stove", Ct).StatusAsync());
        await node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync("somebody-else", "a red kettle on no stove", Ct).StatusAsync());
        Assert.Equal(2L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'user_created' AND outcome = 'failure' AND reason = 'email taken'", Ct));
    }

    // Refuse a taken user name, and asking twice for one address and name tells whether the address was free: the first call
    // would have taken the name. Then this fails, as it does when the second insert runs only for those who need it.
    [Fact]
    public async Task Asking_twice_is_answered_alike_for_a_free_and_a_taken_address()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddUserAsync("anna", Ct);
        await RegisterAsync(node, "warm@example.com", "warm").StatusAsync();
        var work = new List<string>();
        foreach (var (email, username) in new[] { ("free@example.com", "first"), ("anna1@example.com", "second") })
        {
            for (var i = 0; i < 2; i++)
            {
                var status = default(HttpStatusCode);
                work.Add(string.Join('\n', await Statements.CountAsync(database, async () => status = await RegisterAsync(node, email, username).StatusAsync(), Ct)));
                Assert.Equal(HttpStatusCode.Accepted, status);
            }
        }

        Assert.Single(work.Distinct(StringComparer.Ordinal));

        Assert.Equal(3L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
    }

    [Fact]
    public async Task A_taken_user_name_gets_digits_at_the_same_cost_for_a_free_and_a_taken_address()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddUserAsync("anna", Ct);
        await RegisterAsync(node, "warm@example.com", "ANNA1").StatusAsync();
        var free = await Statements.CountAsync(database, async () => await RegisterAsync(node, "free@example.com", "ANNA1").StatusAsync(), Ct);
        var taken = await Statements.CountAsync(database, async () => await RegisterAsync(node, "anna1@example.com", "anna1").StatusAsync(), Ct);
        Assert.Equal(free, taken);
        Assert.Matches("^ANNA1-[0-9]{8}$", await database.ReadAsync<string>("SELECT username FROM users WHERE email = 'free@example.com'", Ct));
        Assert.Equal(3L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
    }

    // The unique indexes decide, not a look before the insert.
    [Fact]
    public async Task Of_eight_registrations_of_one_address_at_once_one_makes_an_account_and_all_are_accepted()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var statuses = await Race.RunAsync(8, i => RegisterAsync(node, "anna@example.com", $"anna{i}").StatusAsync());
        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.Accepted, status));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
        Assert.Equal(1L, await database.ReadAsync<long>("SELECT count(*) FROM user_roles", Ct));
        Assert.Equal("1 success, 7 failure", await database.ReadAsync<string>(
            "SELECT string_agg(n || ' ' || outcome, ', ' ORDER BY n) FROM (SELECT outcome, count(*) AS n FROM audit_events WHERE type = 'user_created' GROUP BY 1) e", Ct));
    }

    // T42
    [Fact]
    public async Task A_password_of_257_characters_is_refused_and_never_cut()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var longest = string.Concat(Enumerable.Repeat("a mixed bag of 32 characters....", 8));
        Assert.Equal(["passwords.too_long"], await RefusedAsync(node, longest + "x"));
        Assert.Equal(["passwords.too_long"], await RefusedAsync(node, string.Concat(Enumerable.Repeat("🔑", 257))));
        Assert.Equal(["passwords.too_short"], await RefusedAsync(node, "eleven char"));
        // Eleven characters, though 22 units of UTF-16.
        Assert.Equal(["passwords.too_short"], await RefusedAsync(node, "🔑🐴🔋📎🌵🚲🎻🧊🪁🛶🧶"));
        Assert.Equal(["field.required"], await RefusedAsync(node, ""));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
    }

    // T43. Without PasswordPolicy.Check in Register these are accepted.
    [Fact]
    public async Task Common_passwords_and_words_about_the_account_are_refused_and_nothing_is_asked_of_the_composition()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        string[] common;
        using (var list = new StreamReader(typeof(PasswordPolicy).Assembly.GetManifestResourceStream("Passwords/common-passwords.txt")!))
        {
            common = [.. (await list.ReadToEndAsync(Ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.StartsWith("# ", StringComparison.Ordinal))];
        }

        Assert.True(common.Length >= 3_000);
        // Each as it is, and made as long as it must be in the way people do.
        foreach (var word in common.Where((word, i) => i % 40 == 0 && word.Any(char.IsLetter)))
        {
            Assert.Contains("passwords.too_common", await RefusedAsync(node, word));
            Assert.Contains("passwords.too_common", await RefusedAsync(node, word + "!2024!2024!"[..Math.Max(0, 12 - word.Length)]));
        }

        Assert.Equal(["passwords.contains_context"], await RefusedAsync(node, "authservice-1"));
        Assert.Equal(["passwords.contains_context"], await RefusedAsync(node, "margarethe-77", username: "Margarethe"));
        Assert.Equal(["passwords.contains_context"], await RefusedAsync(node, "1-margarethe-1", email: "margarethe@example.com"));
        Assert.Equal(["passwords.contains_context"], await RefusedAsync(node, "SchultzeMargarethe", displayName: "Margarethe Schultze"));

        var accepted = new[] { "only small letters", "ONLYLARGELETTERSHERE", "740185296314", "            x           ", "ελληνικά γράμματα" };
        for (var i = 0; i < accepted.Length; i++) Assert.Equal(HttpStatusCode.Accepted, await node.Http.RegisterAsync($"person{i}", accepted[i], Ct).StatusAsync());
    }

    [Fact]
    public async Task An_installation_without_registration_takes_none()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Registration:Enabled", "false"));
        Assert.Equal("authn.registration_disabled", await node.Http.RegisterAsync("anna", Account.StandardPassword, Ct).CodeAsync(HttpStatusCode.Forbidden, Ct));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM users", Ct));
    }

    private Task<HttpResponseMessage> RegisterAsync(Node node, string email, string username, string password = Account.StandardPassword, string? displayName = null) =>
        node.Http.PostAsJsonAsync("/api/v1/auth/register",
            new RegisterRequest { Email = email, Username = username, Password = password, DisplayName = displayName }, WireJson.Default.RegisterRequest, Ct);

    /// <summary>The codes for the member <c>password</c> of a registration that must be refused for it alone.</summary>
    private async Task<string[]> RefusedAsync(Node node, string password, string email = "somebody@example.com", string username = "somebody", string? displayName = null)
    {
        using var answer = await RegisterAsync(node, email, username, password, displayName);
        Assert.True(answer.StatusCode == HttpStatusCode.UnprocessableEntity, $"{password}: {answer.StatusCode}");
        var problem = await answer.ProblemAsync(Ct);
        Assert.Equal("http.invalid", problem.Code);
        Assert.All(problem.Errors!, error => Assert.Equal("/password", error.Pointer));
        return [.. problem.Errors!.Select(error => error.Code)];
    }

    private async Task<string> VerbatimAsync(Node node, string email, string username)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/register")
        {
            Content = JsonContent.Create(new RegisterRequest { Email = email, Username = username, Password = "a red kettle on no stove" }, WireJson.Default.RegisterRequest),
        };
        request.Headers.Add("X-Request-ID", "the-same-for-all");
        using var answer = await node.Http.SendAsync(request, Ct);
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Date" or "RateLimit" or "X-Response-Time")).Select(header => $"{header.Key}: {string.Join(',', header.Value)}");
        return $"{answer.StatusCode}\n{string.Join('\n', headers)}\n{Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync(Ct))}";
    }
}
