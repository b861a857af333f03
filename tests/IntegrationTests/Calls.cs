using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;

namespace IntegrationTests;

/// <summary>Requests as a client would send them, with nothing between the test and the answer. Answers are the caller's to dispose.</summary>
internal static class Calls
{
    /// <summary>Answers any signed-in caller, so its status says whether a token works.</summary>
    public const string AnyonesPath = "/api/v1/me/permissions";

    public static Task<HttpResponseMessage> LogInAsync(this HttpClient http, string email, string password, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/login", new LoginRequest { Email = email, Password = password }, WireJson.Default.LoginRequest, ct);

    public static Task<HttpResponseMessage> RegisterAsync(this HttpClient http, string name, string password, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/register",
            new RegisterRequest { Email = $"{name}@example.com", Username = name, Password = password }, WireJson.Default.RegisterRequest, ct);

    public static Task<HttpResponseMessage> RefreshAsync(this HttpClient http, string refreshToken, CancellationToken ct) =>
        http.PostAsJsonAsync("/api/v1/auth/refresh", new RefreshRequest { RefreshToken = refreshToken }, WireJson.Default.RefreshRequest, ct);

    /// <summary>The tokens of an answer that must be a success.</summary>
    public static async Task<TokenResponse> TokensAsync(this Task<HttpResponseMessage> call, CancellationToken ct)
    {
        using var answer = await call;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, ct))!;
    }

    /// <summary>The status, where nothing else of the answer matters.</summary>
    public static async Task<HttpStatusCode> StatusAsync(this Task<HttpResponseMessage> call)
    {
        using var answer = await call;
        return answer.StatusCode;
    }

    /// <summary>The code of an answer that must be a problem of this status.</summary>
    public static async Task<string> CodeAsync(this Task<HttpResponseMessage> call, HttpStatusCode status, CancellationToken ct)
    {
        using var answer = await call;
        Assert.Equal(status, answer.StatusCode);
        return (await answer.ProblemAsync(ct)).Code;
    }

    /// <summary>200 if the access token works, 401 if it doesn't.</summary>
    public static async Task<HttpStatusCode> UseAsync(this HttpClient http, string accessToken, CancellationToken ct, string path = AnyonesPath)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + accessToken);
        return await http.SendAsync(request, ct).StatusAsync();
    }

    /// <summary>The whole answer to a log-in as it came, but for its date and the time it took: status, headers in their order, body byte for byte.</summary>
    public static async Task<string> VerbatimLogInAsync(this Node node, string email, string password, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/login")
        {
            Content = JsonContent.Create(new LoginRequest { Email = email, Password = password }, WireJson.Default.LoginRequest),
        };
        request.Headers.Add("X-Request-ID", "the-same-for-all");
        using var answer = await node.Http.SendAsync(request, ct);
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key is not ("Date" or "X-Response-Time")).Select(header => $"{header.Key}: {string.Join(',', header.Value)}");
        return $"{answer.StatusCode}\n{string.Join('\n', headers)}\n{await answer.Content.ReadAsStringAsync(ct)}";
    }

    public static async Task<HttpResponseMessage> PostAsync(this HttpClient http, string path, string accessToken, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return await http.SendAsync(request, ct);
    }
}
