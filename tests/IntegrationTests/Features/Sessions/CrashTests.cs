using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using AuthService.Client;
using AuthService.Tokens;

namespace IntegrationTests.Features.Sessions;

/// <summary>Clients that refresh without pause while what serves them dies.</summary>
public class CrashTests(Servers servers) : IClassFixture<Servers>
{
    private const int Clients = 8;

    // Starting a process on a busy machine takes seconds; a client must get its answer again after that.
    private const string LongGrace = "--Sessions:RefreshGrace=00:01:00";

    private CancellationToken Ct => servers.TestTimeout;

    // T16. Two processes share nothing but the database and the master key.
    [Fact]
    public async Task Fifty_parallel_refreshes_on_two_processes_are_one_rotation_and_fifty_equal_answers()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var (settings, masterKey) = Settings(database);
        await database.AddUserAsync("anna", Ct);
        var starting = (ServiceProcess.StartAsync(settings, Ct), ServiceProcess.StartAsync(settings, Ct));
        await using var one = await starting.Item1;
        await using var two = await starting.Item2;
        var anna = await one.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);

        var answers = await Race.RunAsync(50, i => (i % 2 == 0 ? one : two).Http.RefreshAsync(anna.RefreshToken, Ct).TokensAsync(Ct));

        Assert.Single(answers.Select(answer => answer.RefreshToken).Distinct(StringComparer.Ordinal));
        await AssertNothingLostAsync(database, masterKey, [answers[0].RefreshToken], expectedGeneration: 1);
        Assert.Equal(HttpStatusCode.OK, await two.Http.UseAsync(answers[0].AccessToken, Ct));
        Assert.Equal(HttpStatusCode.OK, await one.Http.UseAsync(answers[1].AccessToken, Ct));
    }

    // T17. Derive the successor from randomness instead of the token and a client whose answer got lost can't go on; without the grace
    // window as well.
    [Fact]
    public async Task A_killed_service_loses_no_session_and_forks_no_chain()
    {
        const int kills = 2;
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var (settings, masterKey) = Settings(database);
        await database.AddUserAsync("anna", Ct);
        var service = await ServiceProcess.StartAsync(settings, Ct);
        try
        {
            var port = service.Http.BaseAddress!.Port;
            // The clients' own connections: they notice the death of the service as a client would.
            using var http = new HttpClient { BaseAddress = service.Http.BaseAddress };
            var load = await Load.BeginAsync(http, Clients, Ct);
            for (var i = 0; i < kills; i++)
            {
                await load.AdvanceAsync(perClient: 10);
                await service.KillAsync();
                await service.DisposeAsync();
                service = await ServiceProcess.StartAsync(settings, Ct, port);
            }

            await load.AdvanceAsync(perClient: 10);
            var tokens = await load.EndAsync();

            Assert.True(load.Interrupted >= kills, "No call was under way when the service was killed.");
            await AssertNothingLostAsync(database, masterKey, tokens);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    // T17, the other half: PostgreSQL takes the connection away under a statement. The statement is sent again, or the caller gets 503 and
    // its retry succeeds: done twice, a rotation is the same rotation.
    [Fact]
    public async Task Connections_lost_under_load_lose_no_session_and_fork_no_chain()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        await database.AddUserAsync("anna", Ct);
        var load = await Load.BeginAsync(node.Http, Clients, Ct);
        var terminated = 0L;
        for (var i = 0; i < 15; i++)
        {
            await load.AdvanceAsync(perClient: 3);
            terminated += await database.ReadAsync<long>(
                """
                SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE  datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%RefreshSession.rotate%'
                """, Ct);
        }

        await load.AdvanceAsync(perClient: 3);
        var tokens = await load.EndAsync();

        Assert.True(terminated > 0, "No connection was ended.");
        await AssertNothingLostAsync(database, node.MasterKey, tokens);
    }

    private async Task AssertNothingLostAsync(TestDatabase database, MasterKey masterKey, string[] held, int? expectedGeneration = null)
    {
        foreach (var token in held)
        {
            var (session, generation, hash) = masterKey.Read(token);
            Assert.Equal(
                string.Create(CultureInfo.InvariantCulture, $"live {expectedGeneration ?? generation} {Convert.ToHexStringLower(hash)}"),
                await database.ReadAsync<string>(
                    $"SELECT concat_ws(' ', coalesce(revoked_reason, 'live'), gen, encode(cur_hash, 'hex')) FROM sessions WHERE id = '{session}'", Ct));
        }

        Assert.Equal((long)held.Length, await database.ReadAsync<long>("SELECT count(*) FROM sessions WHERE revoked_at IS NULL", Ct));
        Assert.Equal(0L, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'authn_token_reuse'", Ct));
    }

    private static (string[] Settings, MasterKey MasterKey) Settings(TestDatabase database)
    {
        var masterKey = RandomNumberGenerator.GetBytes(MasterKey.Length);
        return (ServiceProcess.Settings(database, masterKey, LongGrace, "--Database:PoolMinimum=0"), MasterKey.Parse(Convert.ToBase64String(masterKey), "the test"));
    }

    /// <summary>Clients with a session each, which refresh as fast as they get answers and repeat what got none.</summary>
    private sealed class Load
    {
        private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);

        private readonly int[] _rotations;
        private Task<string>[] _clients = [];
        private int _interrupted;
        private int _ended;

        private Load(int clients) => _rotations = new int[clients];

        /// <summary>Calls that got no answer, or a 503.</summary>
        public int Interrupted => Volatile.Read(ref _interrupted);

        public static async Task<Load> BeginAsync(HttpClient http, int clients, CancellationToken ct)
        {
            var load = new Load(clients);
            var sessions = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => http.LogInAsync("anna1@example.com", Account.StandardPassword, ct).TokensAsync(ct)));
            load._clients = [.. sessions.Select((tokens, i) => load.RunAsync(i, http, tokens.RefreshToken, ct))];
            return load;
        }

        /// <summary>Returns when every client has rotated that many times more.</summary>
        public async Task AdvanceAsync(int perClient)
        {
            int[] goals = [.. _rotations.Select(count => count + perClient)];
            await Eventually.TrueAsync(() =>
            {
                if (_clients.FirstOrDefault(client => client.IsFaulted) is { Exception: { } e }) throw e;
                return !goals.Where((goal, i) => Volatile.Read(ref _rotations[i]) < goal).Any();
            }, Limit);
        }

        /// <summary>The token each client holds in the end.</summary>
        public async Task<string[]> EndAsync()
        {
            Volatile.Write(ref _ended, 1);
            return await Task.WhenAll(_clients);
        }

        private async Task<string> RunAsync(int number, HttpClient http, string token, CancellationToken ct)
        {
            while (Volatile.Read(ref _ended) == 0)
            {
                try
                {
                    using var answer = await http.RefreshAsync(token, ct);
                    if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
                    {
                        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                        token = (await answer.Content.ReadFromJsonAsync(WireJson.Default.TokenResponse, ct))!.RefreshToken;
                        Interlocked.Increment(ref _rotations[number]);
                        continue;
                    }
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    // Nobody listens, or the answer broke off: it is asked for again.
                }

                Interlocked.Increment(ref _interrupted);
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, ct);
            }

            return token;
        }
    }
}
