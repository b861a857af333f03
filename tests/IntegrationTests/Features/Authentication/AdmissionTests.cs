using System.Globalization;
using System.Net;
using System.Security.Cryptography;

namespace IntegrationTests.Features.Authentication;

/// <summary>More log-ins than the node has cores for.</summary>
public class AdmissionTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // T45. Without the limit of what may wait in HashThreads nobody is refused; with more threads than cores the process grows by 19 MiB
    // for each of them.
    [Fact]
    public async Task Surplus_log_ins_are_refused_at_once_and_the_rest_of_the_service_goes_on_answering()
    {
        const int queue = 2;
        var cores = Environment.ProcessorCount;
        var hashing = Math.Max(1, cores - 1);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var settings = ServiceProcess.Settings(database, RandomNumberGenerator.GetBytes(32), "--Passwords:QueueLength=2", "--Passwords:QueueTimeout=00:00:30", "--Database:PoolMinimum=0");
        await database.AddUserAsync("anna", Ct);
        await using var service = await ServiceProcess.StartAsync(settings, Ct);
        var anna = await service.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        for (var i = 0; i < 20; i++) await service.Http.UseAsync(anna.AccessToken, Ct);
        var before = PeakMiB(service.Id);

        var loggedIn = 0;
        var answers = await Race.RunAsync(10 * cores + 1, async i =>
        {
            if (i < 10 * cores)
            {
                using var answer = await service.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct);
                if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                {
                    Assert.Equal("passwords.busy", (await answer.ProblemAsync(Ct)).Code);
                    Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
                }

                Interlocked.Increment(ref loggedIn);
                return answer.StatusCode;
            }

            // Meanwhile: nothing of this waits for a hash.
            do
            {
                Assert.Equal(HttpStatusCode.OK, await service.Http.UseAsync(anna.AccessToken, Ct));
                Assert.Equal(HttpStatusCode.OK, await service.Http.GetAsync("/health/live", Ct).StatusAsync());
            }
            while (Volatile.Read(ref loggedIn) < 10 * cores);
            return HttpStatusCode.Continue;
        });

        var granted = answers.Count(status => status == HttpStatusCode.OK);
        var refused = answers.Count(status => status == HttpStatusCode.ServiceUnavailable);
        Assert.Equal(10 * cores, granted + refused);
        Assert.True(granted >= hashing + queue, $"{granted} granted");
        Assert.True(refused > 0, "Nobody was refused.");
        // cores × 19 MiB, and what the process takes for itself; all of them at once would be 190 × cores.
        Assert.InRange(PeakMiB(service.Id) - before, 0, cores * 19 + 19 * 3 * cores);

        // Who was refused tries again and gets in.
        await service.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
    }

    // The refusal says nothing about the account, and registration and password change stand in the same queue.
    [Fact]
    public async Task A_busy_node_refuses_known_and_unknown_addresses_alike()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Passwords:MaxConcurrentHashes", "1"), ("Passwords:QueueLength", "0"), ("Passwords:MemoryKiB", "262144")]);
        await database.AddUserAsync("anna", Ct);
        var anna = await node.StartSessionAsync(await database.ReadAsync<long>("SELECT id FROM users", Ct), Ct);

        // 256 MiB each: long enough for the others to come.
        var occupied = node.Http.RegisterAsync("berta", Account.StandardPassword, Ct).StatusAsync();
        var hashing = node.Services.GetRequiredService<AuthService.Passwords.PasswordHashing>();
        await Eventually.TrueAsync(() => hashing.HashCount == 1, TimeSpan.FromSeconds(20));
        var refused = await Task.WhenAll(
            node.Http.LogInAsync("anna1@example.com", Account.StandardPassword, Ct),
            node.Http.LogInAsync("nobody@example.com", Account.StandardPassword, Ct),
            node.Http.RegisterAsync("carla", Account.StandardPassword, Ct),
            anna.SendAsync(HttpMethod.Post, "/api/v1/auth/password/change",
                new AuthService.Client.ChangePasswordRequest { CurrentPassword = Account.StandardPassword, NewPassword = "a red kettle on no stove" }, Ct));

        Assert.Equal(HttpStatusCode.Accepted, await occupied);
        foreach (var answer in refused)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Equal("passwords.busy", (await answer.ProblemAsync(Ct)).Code);
            answer.Dispose();
        }
    }

    /// <summary>The most memory the process has held at once.</summary>
    private static long PeakMiB(int pid)
    {
        var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/status")).First(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan()[6..^2].Trim(), CultureInfo.InvariantCulture) / 1024;
    }
}
