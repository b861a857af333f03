using System.Globalization;
using System.Net;
using AuthService.Client;
using AuthService.Installation;

namespace AuthService.LoadTest;

/// <summary>Who shall make the requests.</summary>
/// <param name="Users">Addresses, with <c>{n}</c> for a number.</param>
/// <param name="First">The first number.</param>
/// <param name="Sessions">How many accounts sign in, one session each.</param>
/// <param name="AdministratorEmail">Null: nobody; then there can be no lists and no grants.</param>
internal sealed record PeopleAsked(string Users, long First, int Sessions, string? Password, string? AdministratorEmail, string? AdministratorPassword);

/// <summary>Signs accounts in over HTTP, as any client would, and finds those that roles are granted to.</summary>
internal sealed class GatherPeople(HttpClient http, TimeProvider clock)
{
    /// <summary>The role that is granted. It holds no permission, so nobody gains any.</summary>
    public const string Role = "load-test";

    private const int MostGrantees = 1_000;
    private const int PageSize = 200;
    private const int MostPages = 50;
    private const int AtATime = 4;   // each costs the service a hash

    /// <exception cref="SettingsException">The service refuses, or has not what is needed; the message says what.</exception>
    public async Task<LoadPeople> ExecuteAsync(PeopleAsked asked, LoadMix mix, CancellationToken ct)
    {
        var logIns = Enumerable.Range(0, asked.Sessions).Select(i => new LoginRequest { Email = Address(asked, i), Password = asked.Password ?? "" }).ToArray();
        var sessions = new LoadSession[asked.Sessions];
        if (mix.Has(RequestKind.Check) || mix.Has(RequestKind.Refresh) || mix.Has(RequestKind.Profile))
        {
            await Parallel.ForAsync(0, sessions.Length, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = ct },
                async (i, token) => sessions[i] = await SignInAsync(logIns[i], token));
        }
        else
        {
            sessions = [];
        }

        if (asked.AdministratorEmail is not { } email) return new LoadPeople(sessions, null, [], 0, logIns);
        var administrator = await SignInAsync(new LoginRequest { Email = email, Password = asked.AdministratorPassword ?? "" }, ct);
        if (!mix.Has(RequestKind.Grant)) return new LoadPeople(sessions, administrator, [], 0, logIns);
        var others = sessions.Select(s => s.UserId).Append(administrator.UserId).ToHashSet();
        return new LoadPeople(sessions, administrator, await FindGranteesAsync(administrator, others, ct), await FindOrMakeRoleAsync(administrator, ct), logIns);
    }

    private static string Address(PeopleAsked asked, int i) => asked.Users.Replace("{n}", (asked.First + i).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private async Task<LoadSession> SignInAsync(LoginRequest logIn, CancellationToken ct)
    {
        using var answer = await http.PostAsJsonAsync(new Uri("/api/v1/auth/login", UriKind.Relative), logIn, WireJson.Default.LoginRequest, ct);
        if (!answer.IsSuccessStatusCode) throw await RefusedAsync($"Signing in as {logIn.Email}", answer, ct);
        var tokens = (await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, ct))!;
        if (tokens.PasswordChangeRequired) throw new SettingsException($"{logIn.Email} has a temporary password, which has to be changed first.");
        return new LoadSession(tokens.User!.Id, tokens.AccessToken, tokens.RefreshToken, clock.GetUtcNow() + TimeSpan.FromSeconds(tokens.ExpiresIn), tokens.Permissions is [var permission, ..] ? permission : null);
    }

    private async Task<IReadOnlyList<Grantee>> FindGranteesAsync(LoadSession administrator, HashSet<long> others, CancellationToken ct)
    {
        var found = new List<Grantee>();
        string? cursor = null;
        for (var page = 0; page < MostPages && found.Count < MostGrantees; page++)
        {
            using var answer = await AskAsync(HttpMethod.Get, ListPath("users", cursor), administrator, body: null, ct);
            if (!answer.IsSuccessStatusCode) throw await RefusedAsync("The list of accounts", answer, ct);
            var users = (await answer.Content.ReadFromJsonAsync(WireJson.Default.PageUserSummary, ct))!;
            found.AddRange(users.Items.Where(u => !others.Contains(u.Id)).Select(u => new Grantee(u.Id)));
            if ((cursor = users.NextCursor) is null) break;
        }

        return found.Count > 0 ? found : throw new SettingsException("Grants need accounts beside those that sign in: there are none. Lower --sessions, or leave grant out of --mix.");
    }

    private async Task<long> FindOrMakeRoleAsync(LoadSession administrator, CancellationToken ct)
    {
        using var body = JsonContent.Create(new CreateRoleRequest { Name = Role }, WireJson.Default.CreateRoleRequest);
        using var made = await AskAsync(HttpMethod.Post, "/api/v1/roles", administrator, body, ct);
        if (made.StatusCode == HttpStatusCode.Created) return (await made.Content.ReadFromJsonAsync(WireJson.Default.CreatedResource, ct))!.Id;
        if (made.StatusCode != HttpStatusCode.Conflict) throw await RefusedAsync($"Making the role {Role}", made, ct);
        string? cursor = null;
        do
        {
            using var answer = await AskAsync(HttpMethod.Get, ListPath("roles", cursor), administrator, body: null, ct);
            if (!answer.IsSuccessStatusCode) throw await RefusedAsync("The list of roles", answer, ct);
            var roles = (await answer.Content.ReadFromJsonAsync(WireJson.Default.PageRoleInfo, ct))!;
            if (roles.Items.FirstOrDefault(r => r.Name == Role) is { } role) return role.Id;
            cursor = roles.NextCursor;
        }
        while (cursor is not null);
        throw new SettingsException($"The role {Role} is there and not in the list of roles.");
    }

    private static string ListPath(string what, string? cursor) =>
        string.Create(CultureInfo.InvariantCulture, $"/api/v1/{what}?count=none&limit={PageSize}{(cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor))}");

    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, LoadSession session, HttpContent? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = body };
        request.Headers.TryAddWithoutValidation("Authorization", session.Authorization);
        return await http.SendAsync(request, ct);
    }

    private static async Task<SettingsException> RefusedAsync(string what, HttpResponseMessage answer, CancellationToken ct)
    {
        var code = "no problem of this service";
        try
        {
            if (answer.Content.Headers.ContentType?.MediaType == "application/problem+json")
                code = (await answer.Content.ReadFromJsonAsync(WireJson.Default.ProblemBody, ct))?.Code ?? code;
        }
        catch (System.Text.Json.JsonException)
        {
            // Whoever answered, it was not our service.
        }

        var hint = answer.StatusCode == HttpStatusCode.TooManyRequests ? " Raise Throttling:LogInsPerIp there for the time of the test, or lower --sessions." : "";
        return new SettingsException(string.Create(CultureInfo.InvariantCulture, $"{what} was answered {(int)answer.StatusCode} ({code}).{hint}"));
    }
}
