namespace IntegrationTests.Telemetry;

/// <summary>Everybody does everything: what moves every figure there is. One client after another, which is load enough for a figure to be there.</summary>
internal static class MixedLoad
{
    private const int Accounts = 20;

    /// <summary>At least one round; then on until <paramref name="isOver"/>.</summary>
    /// <returns>Requests sent.</returns>
    public static async Task<long> RunAsync(WatchedService service, Func<Task<bool>> isOver, CancellationToken ct)
    {
        // The name is taken where a run comes after another.
        var users = await service.Database.AddUsersAsync($"load{Guid.CreateVersion7():N}", Accounts, ct);
        var role = await service.Database.AddRoleAsync($"load{Guid.CreateVersion7():N}", ct, "roles:read");
        using var listening = await ListenAsync(service, ct);
        var (sent, round) = (0L, 0);
        do
        {
            foreach (var user in users)
            {
                await SendAsync(HttpMethod.Post, "/api/v1/authz/check", new { user_id = user, permission = "roles:read" });
                await SendAsync(HttpMethod.Post, "/api/v1/authz/check", new { permission = "users:read" });
                await SendAsync(HttpMethod.Get, $"/api/v1/users/{user}");
                await SendAsync(HttpMethod.Get, $"/api/v1/users/{user}");
            }

            await SendAsync(HttpMethod.Get, "/api/v1/users?limit=5");
            await SendAsync(HttpMethod.Put, $"/api/v1/users/{users[round % Accounts]}/roles/{role}");
            await SendAsync(HttpMethod.Delete, $"/api/v1/users/{users[round++ % Accounts]}/roles/{role}");
            await SendAsync(HttpMethod.Put, "/api/v1/settings/load.any", new { value = sent });
            await SendAsync(HttpMethod.Get, "/api/v1/settings/load.any");
            await SendAsync(HttpMethod.Get, $"/nothing/here/{sent}");
            // A session may refresh so many times a minute.
            if (round % 5 == 1) service.RefreshToken = (await service.Process.Http.RefreshAsync(service.RefreshToken, ct).TokensAsync(ct)).RefreshToken;
            using (await service.Process.Http.LogInAsync(WatchedService.AdministratorsMail, "not the password", ct)) sent += 2;
        }
        while (!await isOver());
        return sent;

        async Task SendAsync(HttpMethod method, string path, object? body = null)
        {
            using var answer = await service.SendAsync(method, path, ct, body);
            Assert.True((int)answer.StatusCode < 500, $"{method} {path}: {answer.StatusCode}");
            sent++;
        }
    }

    private static async Task<HttpResponseMessage> ListenAsync(WatchedService service, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events");
        request.Headers.Authorization = new("Bearer", service.Administrator.AccessToken);
        var stream = await service.Process.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        stream.EnsureSuccessStatusCode();
        return stream;
    }
}
