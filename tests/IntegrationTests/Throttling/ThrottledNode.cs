using System.Net;
using AuthService.Client;
using AuthService.Throttling;
using AuthService.Tokens;
using IntegrationTests.SolidCache.Redis;
using IntegrationTests.SolidCache.Redis.Resp;
using SolidCache.Redis.Resp;

namespace IntegrationTests.Throttling;

/// <summary>Nodes whose counters go by a clock of the test's, and what a client does to be counted.</summary>
internal static class ThrottledNode
{
    public static async Task<Node> StartAsync(
        TestDatabase database, StandingClock clock, CancellationToken ct, RedisServer? redis = null, MasterKey? masterKey = null, params (string Key, string Value)[] settings)
    {
        if (redis is not null) settings = [.. settings, ("ConnectionStrings:Redis", Clients.Patient(redis.Address))];
        var node = await Node.StartAsync(database, ct, masterKey, services => services.AddSingleton(provider => ThrottlingRegistration.CreateCounters(provider, clock)), settings);
        // A time-out, or a connection that is not there yet, would have a node count by itself for as long as the clock stands.
        if (redis is not null) Assert.True(await node.Services.GetRequiredService<RedisClient>().WaitUntilConnectedAsync(TimeSpan.FromSeconds(20), ct));
        return node;
    }

    /// <param name="cookie">As the service set it.</param>
    /// <param name="forwardedFor">Header <c>X-Forwarded-For</c>.</param>
    public static Task<HttpResponseMessage> LogInAsync(this Node node, string email, string password, CancellationToken ct, string? cookie = null, string? forwardedFor = null) =>
        node.PostAsync("login", JsonContent.Create(new LoginRequest { Email = email, Password = password }, WireJson.Default.LoginRequest), ct, cookie, forwardedFor);

    public static Task<HttpResponseMessage> RefreshAsync(this Node node, string refreshToken, CancellationToken ct, string? forwardedFor = null) =>
        node.PostAsync("refresh", JsonContent.Create(new RefreshRequest { RefreshToken = refreshToken }, WireJson.Default.RefreshRequest), ct, forwardedFor: forwardedFor);

    /// <summary>So many wrong passwords, each of which is answered like the first.</summary>
    public static async Task FailAsync(this Node node, string email, int times, CancellationToken ct, string? cookie = null, string? forwardedFor = null)
    {
        for (var i = 0; i < times; i++) Assert.Equal(HttpStatusCode.Unauthorized, await node.LogInAsync(email, "not the password", ct, cookie, forwardedFor).StatusAsync());
    }

    /// <summary>Whether the standard password signs in.</summary>
    public static async Task<bool> LetsInAsync(this Node node, string email, CancellationToken ct, string? cookie = null, string? forwardedFor = null)
    {
        var status = await node.LogInAsync(email, Account.StandardPassword, ct, cookie, forwardedFor).StatusAsync();
        Assert.True(status is HttpStatusCode.OK or HttpStatusCode.Unauthorized, $"{status}");
        return status == HttpStatusCode.OK;
    }

    /// <summary>The value of a header, or none.</summary>
    public static string? Header(this HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(" | ", values) : null;

    /// <summary>How many events of a type there are, in words of the trail: buffered, so asked for until there are that many.</summary>
    public static Task AuditedAsync(this TestDatabase database, string type, long count, CancellationToken ct, string condition = "true") =>
        Eventually.TrueAsync(async () => await database.ReadAsync<long>($"SELECT count(*) FROM audit_events WHERE type = '{type}' AND {condition}", ct) == count, TimeSpan.FromSeconds(20), $"{count} events {type} where {condition}");

    private static async Task<HttpResponseMessage> PostAsync(this Node node, string what, JsonContent body, CancellationToken ct, string? cookie = null, string? forwardedFor = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/" + what) { Content = body };
        if (cookie is not null) request.Headers.Add("Cookie", cookie);
        if (forwardedFor is not null) request.Headers.Add("X-Forwarded-For", forwardedFor);
        return await node.Http.SendAsync(request, ct);
    }
}
