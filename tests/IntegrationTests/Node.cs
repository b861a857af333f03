using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AuthService.Cli;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Bootstrap;
using AuthService.Tokens;
using Npgsql;
using SolidCache;

namespace IntegrationTests;

/// <summary>
/// One node of the service inside the test process: the real pipeline on a real socket, with its own pool on a test's database.
/// Nodes on one database that shall understand each other's tokens are given the same master key.
/// </summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly NpgsqlDataSource _db;

    private Node(WebApplication app, NpgsqlDataSource db, TestDatabase database, MasterKey masterKey)
    {
        (_app, _db, Database, MasterKey) = (app, db, database, masterKey);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = new Uri(app.Urls.First()) };
    }

    /// <summary>Without credentials.</summary>
    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;
    public TestDatabase Database { get; }
    public MasterKey MasterKey { get; }

    /// <param name="settings">Such as <c>("Sessions:RefreshGrace", "00:00:00")</c>.</param>
    /// <param name="masterKey">Of the node this one stands beside; null: a random one.</param>
    /// <param name="services">Replaces parts, for time and for faults.</param>
    public static async Task<Node> StartAsync(
        TestDatabase database, CancellationToken ct, MasterKey? masterKey = null, Action<IServiceCollection>? services = null,
        params (string Key, string Value)[] settings)
    {
        // Most tests have no use for background work: those that do say Jobs:Enabled=true.
        // Meters are the process's: each of many nodes in it would sum up what all of them measure. Telemetry is tested on processes.
        // A machine that runs two tests at once takes its time to hash: where that ends in a 503 is AdmissionTests' to show.
        var builder = CommandHost.CreateBuilder(
            ["--Telemetry:Enabled=false", "--Jobs:Enabled=false", "--Passwords:QueueTimeout=00:00:30", "--urls=http://127.0.0.1:0", .. settings.Select(s => $"--{s.Key}={s.Value}")]);
        builder.Logging.ClearProviders();
        // One hash costs a core 20 ms; the tests' own cost is kept down by hashing rarely, not by hashing weakly.
        var db = DataSources.Create(database.ConnectionString, new DatabaseOptions { PoolMinimum = 0, PoolMaximum = 20 }, loggers: null);
        var tokens = AuthService.Installation.Settings.Bind<TokenOptions>(builder.Configuration, "Tokens");
        var key = masterKey ?? MasterKey.CreateRandom();
        // Of a node that starts, the schema may not be there yet while it is built, and the key with it.
        var isBuilt = false;
        var app = AuthServer.Build(builder, db, database.ConnectionString, tokens, () => isBuilt ? key : throw new InvalidOperationException("The key was asked for too early."), services);
        isBuilt = true;
        await app.StartAsync(ct);
        return new Node(app, db, database, key);
    }

    /// <summary>Makes the first administrator and signs in.</summary>
    public async Task<Account> CreateAdministratorAsync(CancellationToken ct)
    {
        const string email = "root@example.com";
        var outcome = await Services.GetRequiredService<CreateFirstAdministrator>().AsOperatorAsync(email, Account.StandardPassword, ct);
        if (outcome.Failed(out var problem, out _)) throw new InvalidOperationException(problem.ToString());
        return await SignInAsync(email, Account.StandardPassword, ct);
    }

    /// <summary>Registers an account and signs in.</summary>
    public async Task<Account> CreateUserAsync(string name, CancellationToken ct)
    {
        var request = new RegisterRequest { Email = $"{name}@example.com", Username = name, Password = Account.StandardPassword };
        using var answer = await Http.PostAsJsonAsync("/api/v1/auth/register", request, WireJson.Default.RegisterRequest, ct);
        answer.EnsureSuccessStatusCode();
        return await SignInAsync(request.Email, request.Password, ct);
    }

    public async Task<Account> SignInAsync(string email, string password, CancellationToken ct)
    {
        using var answer = await Http.PostAsJsonAsync(
            "/api/v1/auth/login", new LoginRequest { Email = email, Password = password }, WireJson.Default.LoginRequest, ct);
        answer.EnsureSuccessStatusCode();
        var tokens = await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, ct);
        return new Account(this, tokens!);
    }

    /// <summary>Returns when this node has asked once more what became invalid: what was changed by SQL before is learnt.</summary>
    public async Task SettleAsync()
    {
        var cache = Services.GetRequiredService<TieredCache>();
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => cache.Lag < System.Diagnostics.Stopwatch.GetElapsedTime(began), TimeSpan.FromSeconds(10));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _db.DisposeAsync();
    }
}

/// <summary>Somebody who has signed in.</summary>
internal sealed record Account(Node Node, TokenResponse Tokens)
{
    public const string StandardPassword = "tea kettle on a blue stove";

    public long Id => Tokens.User!.Id;

    /// <summary>A request of this account; the answer is the caller's to dispose.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, CancellationToken ct, Node? on = null)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.AccessToken);
        if (body is not null) request.Content = JsonContent.Create(body, options: WireOptions);
        return (on ?? Node).Http.SendAsync(request, ct);
    }

    /// <summary>A request that must succeed; its answer.</summary>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken ct)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, body: null, ct);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(type, ct))!;
    }

    private static readonly JsonSerializerOptions WireOptions = new(WireJson.Default.Options) { TypeInfoResolver = JsonTypeInfoResolver.Combine(WireJson.Default, new DefaultJsonTypeInfoResolver()) };
}

internal static class Answers
{
    /// <summary>The problem an answer carries; fails on an answer that is none.</summary>
    public static async Task<ProblemBody> ProblemAsync(this HttpResponseMessage answer, CancellationToken ct)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = (await answer.Content.ReadFromJsonAsync(WireJson.Default.ProblemBody, ct))!;
        Assert.Equal((int)answer.StatusCode, problem.Status);
        return problem;
    }
}
