using System.Text.Json;
using AuthService.Client;
using IntegrationTests.SolidCache.Freshness;

namespace IntegrationTests.Freshness;

/// <summary>Those who change what is asked for. Everything has one writer.</summary>
internal sealed class Writers(FreshnessRun run)
{
    private const int RightsWriters = 2;

    // How long something stays as it is: of a right that comes back at once nothing could be said.
    private const int ShortestStay = 2;
    private const int LongestStay = 10;

    public IEnumerable<Task> Begin()
    {
        var rights = run.People.RoleRights;
        return
        [
            .. Enumerable.Range(0, RightsWriters).Select(w => Task.Run(() => FlipRightsAsync([.. rights.Where((_, i) => i % RightsWriters == w)], run.NewChance()))),
            Task.Run(() => FlipRightsAsync(run.People.EditedRights, run.NewChance())),
            Task.Run(() => FlipAccountsAsync(run.NewChance())),
            .. run.People.SignedInPeople.Select(person => Task.Run(() => new SessionsWriter(run, person, run.NewChance()).RunAsync())),
        ];
    }

    /// <summary>Leaves everything as it is for some paces.</summary>
    public static async Task StayAsync(FreshnessRun run, Chance chance, int times = 1) =>
        await Task.Delay(run.Setup.Pace * times * (ShortestStay + chance.Next(LongestStay - ShortestStay)), TimeProvider.System, run.Stopping)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task FlipRightsAsync(IReadOnlyList<RightSwitch> rights, Chance chance)
    {
        while (!run.Stopping.IsCancellationRequested)
        {
            var right = rights[chance.Next(rights.Count)];
            // There and back: most of the time most are what they were at first.
            for (var i = 0; i < 2 && await run.FlipAsync(right, !right.IsOn, chance); i++) await StayAsync(run, chance);
        }
    }

    /// <summary>Deactivates, activates, deletes; with their sessions, which all end.</summary>
    private async Task FlipAccountsAsync(Chance chance)
    {
        var doomed = new Queue<Person>(run.People.Doomed);
        while (!run.Stopping.IsCancellationRequested)
        {
            if (chance.Next(4) == 0 && doomed.TryDequeue(out var last))
            {
                await TakeAwayAsync(last, member => DeleteAsync(member, last), chance);
                continue;
            }

            var person = run.People.ActivePeople[chance.Next(run.People.ActivePeople.Count)];
            if (!await TakeAwayAsync(person, member => SetAsync(member, person, "deactivate"), chance)) return;
            if (!await run.FlipAsync([person.Right], on: true, chance, (member, _) => SetAsync(member, person, "activate"))) return;
            await StayAsync(run, chance);
        }
    }

    private async Task<bool> TakeAwayAsync(Person person, Func<Member, Task<bool>> call, Chance chance)
    {
        List<Switch> gone = [person.Right];
        if (chance.Next(2) == 0 && await SessionsWriter.LogInAsync(run, person, chance) is { } session)
        {
            gone.Add(session);
            await StayAsync(run, chance);
        }

        if (!await run.FlipAsync(gone, on: false, chance, (member, _) => call(member))) return false;
        await StayAsync(run, chance);
        return true;
    }

    private async Task<bool> SetAsync(Member member, Person person, string what) =>
        run.IsCertain(await run.AdministerAsync(member, HttpMethod.Post, $"{person.Right.Path}/{what}"), what, 204);

    // 404: an attempt before this one has done it.
    private async Task<bool> DeleteAsync(Member member, Person person) =>
        run.IsCertain(await run.AdministerAsync(member, HttpMethod.Delete, person.Right.Path), "delete", 204, 404);
}

/// <summary>One person who signs in and out, in every way there is.</summary>
internal sealed class SessionsWriter(FreshnessRun run, Person person, Chance chance)
{
    // A log-in costs as much as a thousand checks.
    private const int Slowness = 3;

    // Stays signed in while others come and go, and ends those of whose end nobody can say whether it was reached.
    private SessionSwitch? _keeper;

    public async Task RunAsync()
    {
        while (!run.Stopping.IsCancellationRequested)
        {
            if ((_keeper ??= await LogInAsync(run, person, chance)) is null || await LogInAsync(run, person, chance) is not { } session) return;
            await Writers.StayAsync(run, chance, Slowness);
            var isDone = chance.Next(5) switch
            {
                0 => await EndAsync([session], member => DeleteAsync(member, session)),
                1 => await EndAllAsync(session),
                2 => await ReuseAsync(session),
                3 => await LogOutBesideRefreshAsync(session),
                _ => await EndAsync([session], member => PostAsync(member, "logout", session)),
            };
            if (!isDone) return;
            await Writers.StayAsync(run, chance, Slowness);
        }
    }

    /// <returns>Null: the run is over.</returns>
    public static async Task<SessionSwitch?> LogInAsync(FreshnessRun run, Person person, Chance chance)
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        if (await run.LogInAsync(person.Email, chance) is not { } tokens) return null;
        var session = new SessionSwitch(SessionOf(tokens.AccessToken), person, tokens.AccessToken, tokens.RefreshToken);
        session.Begin(on: true, start);
        run.Answered([session]);
        return session;
    }

    private static Guid SessionOf(string accessToken)
    {
        using var payload = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(accessToken.Split('.')[1]));
        return payload.RootElement.GetProperty("sid").GetGuid();
    }

    /// <summary>Whoever does not learn what became of a call asks another session to end this one: that answers 404 where it has ended.</summary>
    private Task<bool> EndAsync(IReadOnlyList<SessionSwitch> sessions, Func<Member, Task<bool>> call) =>
        run.FlipAsync(sessions, on: false, chance, async (member, number) => number == 0 ? await call(member) : await DeleteAllAsync(member, sessions));

    /// <summary>Ends the keeper as well.</summary>
    private async Task<bool> EndAllAsync(SessionSwitch session)
    {
        var keeper = _keeper!;
        _keeper = null;
        return await EndAsync([session, keeper], member => PostAsync(member, "logout-all", session));
    }

    /// <summary>Presents a token that was replaced twice: somebody else must have a copy, so the session ends.</summary>
    private async Task<bool> ReuseAsync(SessionSwitch session)
    {
        var isReuse = await RefreshAsync(session.RefreshToken) is { } first && await RefreshAsync(first.RefreshToken) is not null;
        return await EndAsync([session], member => isReuse ? RefuseAsync(member, session) : PostAsync(member, "logout", session));
    }

    /// <summary>A token that a refresh hands out beside the log-out is as dead as the others.</summary>
    private async Task<bool> LogOutBesideRefreshAsync(SessionSwitch session)
    {
        var refresh = RefreshAsync(session.RefreshToken);
        var isDone = await EndAsync([session], member => PostAsync(member, "logout", session));
        if (await refresh is { } tokens) session.AccessToken = tokens.AccessToken;
        return isDone;
    }

    /// <returns>Null: refused, or no answer.</returns>
    private async Task<TokenResponse?> RefreshAsync(string token)
    {
        var reply = await SendRefreshAsync(run.Fleet.Pick(chance), token);
        return run.IsCertain(reply, "refresh", 200, 401) && reply.Status == 200 ? JsonSerializer.Deserialize(reply.Body, WireJson.Default.TokenResponse) : null;
    }

    private async Task<bool> RefuseAsync(Member member, SessionSwitch session) => run.IsCertain(await SendRefreshAsync(member, session.RefreshToken), "reuse", 401);

    private static Task<Reply> SendRefreshAsync(Member member, string token) => member.SendAsync(
        HttpMethod.Post, "/api/v1/auth/refresh", token: null, JsonSerializer.SerializeToUtf8Bytes(new RefreshRequest { RefreshToken = token }, WireJson.Default.RefreshRequest));

    private async Task<bool> PostAsync(Member member, string what, SessionSwitch session) =>
        run.IsCertain(await member.SendAsync(HttpMethod.Post, "/api/v1/auth/" + what, session.AccessToken), what, 204);

    private async Task<bool> DeleteAsync(Member member, SessionSwitch session) =>
        run.IsCertain(await member.SendAsync(HttpMethod.Delete, $"/api/v1/me/sessions/{session.Id}", _keeper!.AccessToken), "end a session", 204, 404);

    private async Task<bool> DeleteAllAsync(Member member, IReadOnlyList<SessionSwitch> sessions)
    {
        if ((_keeper ??= await LogInAsync(run, person, chance)) is null) return false;
        foreach (var session in sessions)
        {
            if (!await DeleteAsync(member, session)) return false;
        }

        return true;
    }
}
