using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using AuthService.Client;

namespace AuthService.LoadTest;

/// <summary>The requests of a load, each by one of its people whose turn it is.</summary>
internal sealed class LoadTraffic : IDisposable
{
    private const string NoSessionLeft = "no_session_left";
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(1);
    private static readonly MediaTypeHeaderValue Json = new("application/json");
    private static readonly string[] Statuses = [.. Enumerable.Range(0, 600).Select(s => s.ToString(CultureInfo.InvariantCulture))];

    private readonly LoadPeople _people;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http;
    private readonly ConcurrentQueue<LoadSession> _toRefresh;
    private readonly ConcurrentQueue<Grantee> _grantees;
    private readonly SemaphoreSlim _administrator = new(1);
    private int _turn = -1;

    public LoadTraffic(Uri url, LoadPlan plan, LoadPeople people, TimeProvider clock)
    {
        (_people, _clock) = (people, clock);
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = plan.Connections })
        {
            BaseAddress = url,
            Timeout = plan.Timeout,
        };
        _toRefresh = new ConcurrentQueue<LoadSession>(people.Sessions);
        _grantees = new ConcurrentQueue<Grantee>(people.Grantees);
    }

    /// <returns>The status; <c>timeout</c>, or what broke.</returns>
    public async Task<string> SendAsync(RequestKind kind, CancellationToken ct)
    {
        try
        {
            return kind switch
            {
                RequestKind.Check => await CheckAsync(NextSession(), ct),
                RequestKind.Refresh => await RefreshAsync(ct),
                RequestKind.Profile => await AskAsync(HttpMethod.Get, "/api/v1/users/profile", NextSession(), ct),
                RequestKind.List => await AskAsync(HttpMethod.Get, "/api/v1/users?limit=20", await AdministratorAsync(ct), ct),
                RequestKind.Grant => await GrantAsync(ct),
                RequestKind.Login => await LogInAsync(ct),
                _ => throw new ArgumentOutOfRangeException(nameof(kind)),
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return "timeout";
        }
        catch (HttpRequestException e)
        {
            return JsonNamingPolicy.SnakeCaseLower.ConvertName(e.HttpRequestError.ToString());
        }
        catch (JsonException)
        {
            return "answer_not_understood";
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _administrator.Dispose();
    }

    private LoadSession NextSession() => _people.Sessions[Turn(_people.Sessions.Count)];

    private int Turn(int count) => (int)((uint)Interlocked.Increment(ref _turn) % (uint)count);

    private async Task<string> CheckAsync(LoadSession session, CancellationToken ct)
    {
        using var request = Request(HttpMethod.Post, "/api/v1/authz/check", session, session.CheckBody);
        return await StatusAsync(request, ct);
    }

    private async Task<string> AskAsync(HttpMethod method, string path, LoadSession session, CancellationToken ct)
    {
        using var request = Request(method, path, session, body: null);
        return await StatusAsync(request, ct);
    }

    private async Task<string> LogInAsync(CancellationToken ct)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(_people.LogIns[Turn(_people.LogIns.Count)], WireJson.Default.LoginRequest);
        using var request = Request(HttpMethod.Post, "/api/v1/auth/login", session: null, body);
        return await StatusAsync(request, ct);
    }

    // Out of the queue while its token is under way: sent twice, it would end the session.
    private async Task<string> RefreshAsync(CancellationToken ct)
    {
        if (!_toRefresh.TryDequeue(out var session)) return NoSessionLeft;
        var isLost = false;
        try
        {
            var status = await RenewAsync(session, ct);
            isLost = status is "400" or "401";
            return status;
        }
        finally
        {
            // An answer that never came may have been a new token: the old one is taken again for Sessions:RefreshGrace.
            if (!isLost) _toRefresh.Enqueue(session);
        }
    }

    private async Task<string> RenewAsync(LoadSession session, CancellationToken ct)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new RefreshRequest { RefreshToken = session.RefreshToken }, WireJson.Default.RefreshRequest);
        using var request = Request(HttpMethod.Post, "/api/v1/auth/refresh", session: null, body);
        using var answer = await _http.SendAsync(request, ct);
        if (answer.IsSuccessStatusCode) session.Renew((await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, ct))!, _clock.GetUtcNow());
        return Statuses[(int)answer.StatusCode];
    }

    private async Task<string> GrantAsync(CancellationToken ct)
    {
        if (!_grantees.TryDequeue(out var grantee)) return NoSessionLeft;
        try
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"/api/v1/users/{grantee.UserId}/roles/{_people.RoleId}");
            var status = await AskAsync(grantee.Holds ? HttpMethod.Delete : HttpMethod.Put, path, await AdministratorAsync(ct), ct);
            if (status.StartsWith('2')) grantee.Holds = !grantee.Holds;
            return status;
        }
        finally
        {
            _grantees.Enqueue(grantee);
        }
    }

    private async ValueTask<LoadSession> AdministratorAsync(CancellationToken ct)
    {
        var administrator = _people.Administrator!;
        if (IsFresh()) return administrator;
        await _administrator.WaitAsync(ct);
        try
        {
            if (!IsFresh()) await RenewAsync(administrator, ct);
        }
        finally
        {
            _administrator.Release();
        }

        return administrator;

        bool IsFresh() => administrator.ExpiresAt - _clock.GetUtcNow() > RenewBefore;
    }

    private async Task<string> StatusAsync(HttpRequestMessage request, CancellationToken ct)
    {
        using var answer = await _http.SendAsync(request, ct);   // with its body
        return Statuses[(int)answer.StatusCode];
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, LoadSession? session, byte[]? body)
    {
        var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (session is not null) request.Headers.TryAddWithoutValidation("Authorization", session.Authorization);
        if (body is not null) request.Content = new ByteArrayContent(body) { Headers = { ContentType = Json } };
        return request;
    }
}
