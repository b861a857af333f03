using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SolidCache.Redis.Resp;
using Xunit.Abstractions;

namespace IntegrationTests.SolidCache.Redis.Resp;

/// <summary>
/// What may happen to a server, each under load: no wrong answer, no call without end, and the client recovers by itself. All of them fail if a lost or
/// late command's place is given to the next one (see <c>RespConnectionTests</c> for that on purpose).
/// </summary>
public class RedisFailuresTests(ITestOutputHelper output)
{
    private const string Quick = ",commandTimeout=100,connectTimeout=1000";
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(10);

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(90)).Token;

    [Fact]
    public Task Killed_and_started_again() => UnderLoadAsync(async (server, traffic) =>
    {
        for (var i = 0; i < 3; i++)
        {
            await server.KillAsync();
            await Eventually.TrueAsync(() => traffic.Unavailable > 100, LongestCall);
            await server.RestartAsync(_ct);
            output.WriteLine($"answered again {(await traffic.AnsweredAgainAsync()).TotalMilliseconds:F0} ms after it was up");
        }
    });

    [Fact]
    public Task Paused_for_longer_than_a_command_may_take() => UnderLoadAsync(async (server, traffic) =>
    {
        for (var i = 0; i < 3; i++)
        {
            var before = traffic.Unavailable;
            server.Pause();
            await Eventually.TrueAsync(() => traffic.Unavailable > before + 32, LongestCall);
            server.Resume();
            output.WriteLine($"answered again {(await traffic.AnsweredAgainAsync()).TotalMilliseconds:F0} ms after it went on");
        }
    });

    [Fact]
    public Task Flushed() => UnderLoadAsync(async (server, traffic) =>
    {
        for (var i = 0; i < 20; i++)
        {
            await server.CliAsync(_ct, "FLUSHALL");
            await traffic.AnsweredAgainAsync();
        }

        Assert.Equal(0, traffic.Unavailable);
    }, "");

    [Fact]
    public Task Its_connections_cut_again_and_again() => UnderLoadAsync(async (server, traffic) =>
    {
        for (var i = 0; i < 10; i++)
        {
            await server.CliAsync(_ct, "CLIENT", "KILL", "TYPE", "normal");
            await traffic.AnsweredAgainAsync();
        }
    });

    // Half a reply, then nothing: the rest of it never becomes the beginning of another.
    [Fact]
    public Task Cut_off_within_a_reply_again_and_again() => BehindProxyAsync(async (proxy, traffic) =>
    {
        for (var i = 0; i < 20; i++)
        {
            proxy.CutWithinReply();
            await traffic.AnsweredAgainAsync();
        }

        Assert.True(traffic.Unavailable > 0);
    });

    // The other end is gone, or its network, and nobody is told: the time-out finds out, and another connection is made.
    [Fact]
    public Task A_line_that_is_dead_without_a_word() => BehindProxyAsync(async (proxy, traffic) =>
    {
        for (var i = 0; i < 3; i++)
        {
            var before = traffic.Unavailable;
            await proxy.SetAsync(Passage.Nothing);
            await Eventually.TrueAsync(() => traffic.Unavailable > before + 32, LongestCall);
            await proxy.SetAsync(Passage.All);
            output.WriteLine($"answered again {(await traffic.AnsweredAgainAsync()).TotalMilliseconds:F0} ms after it was alive");
        }
    });

    [Fact]
    public async Task The_password_is_changed_while_it_is_connected()
    {
        await using var server = await RedisServer.StartAsync(_ct, "--requirepass", "first");
        await using var client = await Clients.ConnectAsync($"{server.Address},password=first", _ct);
        await using var traffic = new Traffic(client, mayForget: true);
        await traffic.AnsweredAgainAsync();
        await server.CliAsync(_ct, "-a", "first", "CONFIG", "SET", "requirepass", "second");
        await traffic.AnsweredAgainAsync();   // who is signed in stays so
        await server.CliAsync(_ct, "-a", "second", "CLIENT", "KILL", "TYPE", "normal");
        await Eventually.TrueAsync(() => client.Statistics.LastFailure?.StartsWith("WRONGPASS", StringComparison.Ordinal) is true && traffic.Unavailable > 100, LongestCall);
        await server.CliAsync(_ct, "-a", "second", "CONFIG", "SET", "requirepass", "first");
        await traffic.AnsweredAgainAsync();
        output.WriteLine(await traffic.EndAsync(LongestCall));
    }

    // What was saved is there again, and older than what this caller was told is stored: that is Redis' way, and no wrong answer of the client's.
    [Fact]
    public Task Started_again_with_what_it_had_saved() => UnderLoadAsync(async (server, traffic) =>
    {
        await server.CliAsync(_ct, "SAVE");
        await server.RestartAsync(_ct);
        await traffic.AnsweredAgainAsync();
        Assert.Contains("traffic:0:0", await server.CliAsync(_ct, "KEYS", "traffic:0:0"), StringComparison.Ordinal);
    });

    [Fact]
    public Task Out_of_memory() => UnderLoadAsync(async (server, traffic) =>
    {
        await server.CliAsync(_ct, "CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1");
        await Eventually.TrueAsync(() => traffic.Refusals.GetValueOrDefault("OOM") > 100, LongestCall);
        await traffic.AnsweredAgainAsync();   // reads go on
        await server.CliAsync(_ct, "CONFIG", "SET", "maxmemory", "0");
        await traffic.AnsweredAgainAsync();
    });

    [Fact]
    public async Task Turned_into_a_replica_and_back()
    {
        await using var other = await RedisServer.StartAsync(_ct);
        await UnderLoadAsync(async (server, traffic) =>
        {
            await server.CliAsync(_ct, "REPLICAOF", "127.0.0.1", other.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await Eventually.TrueAsync(() => traffic.Refusals.GetValueOrDefault("READONLY") > 0, LongestCall);
            await server.CliAsync(_ct, "REPLICAOF", "NO", "ONE");
            await traffic.AnsweredAgainAsync();
        });
    }

    [Fact]
    public async Task A_user_without_rights_is_told_so()
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await server.CliAsync(_ct, "ACL", "SETUSER", "reader", "on", ">secret", "~allowed:*", "+get", "+hello", "+client", "+ping");
        await using var client = await Clients.ConnectAsync($"redis://reader:secret@{server.Address}", _ct);
        Assert.Null(await client.GetAsync("allowed:1", _ct));
        Assert.Equal("NOPERM", (await Assert.ThrowsAsync<RedisException>(() => client.GetAsync("other:1", _ct).AsTask())).Code);
        Assert.Equal("NOPERM", (await Assert.ThrowsAsync<RedisException>(() => client.SetAsync("allowed:1", "x"u8.ToArray(), TimeSpan.FromSeconds(1), _ct).AsTask())).Code);
    }

    // The words are the server's; the password is in none of ours.
    [Fact]
    public async Task With_a_wrong_password_it_does_not_connect_and_with_the_right_one_later_it_does()
    {
        await using var server = await RedisServer.StartAsync(_ct, "--requirepass", "first");
        await using var client = Clients.Create($"{server.Address},password=second");
        await Eventually.TrueAsync(() => client.Statistics.LastFailure is not null, LongestCall);
        Assert.StartsWith("WRONGPASS", client.Statistics.LastFailure, StringComparison.Ordinal);
        Assert.DoesNotContain("second", client.Statistics.LastFailure, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RedisUnavailableException>(() => client.GetAsync("key", _ct).AsTask());
        await server.CliAsync(_ct, "-a", "first", "CONFIG", "SET", "requirepass", "second");
        Assert.True(await client.WaitUntilConnectedAsync(TimeSpan.FromSeconds(20), _ct));
        Assert.Null(await client.GetAsync("key", _ct));
    }

    [Fact]
    public async Task Encrypted_and_no_certificate_of_somebody_else_is_taken()
    {
        await using var folder = new TestFolder();
        var (ca, file) = MakeCertificates(folder.Path);
        var (_, stranger) = MakeCertificates(Path.Combine(folder.Path, "other"));
        await using var server = await RedisServer.StartAsync(_ct);
        var port = server.Port + 10_000;
        var tls = await server.CliAsync(_ct, "CONFIG", "SET", "tls-cert-file", file + ".crt", "tls-key-file", file + ".key", "tls-ca-cert-file", ca, "tls-auth-clients", "no", "tls-port", port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal("OK", tls);
        await using var client = await Clients.ConnectAsync(FormattableString.Invariant($"rediss://localhost:{port}?ca={ca}"), _ct);
        await using (var traffic = new Traffic(client, mayForget: false))
        {
            await traffic.AnsweredAgainAsync();
            output.WriteLine(await traffic.EndAsync(LongestCall));
        }

        foreach (var trust in new[] { "", $"?ca={Path.Combine(folder.Path, "other", "ca.crt")}" })
        {
            await using var mistrusting = Clients.Create(FormattableString.Invariant($"rediss://localhost:{port}{trust}"));
            await Eventually.TrueAsync(() => mistrusting.Statistics.LastFailure is not null, LongestCall);
            Assert.False(mistrusting.IsConnected);
        }
    }

    [Fact]
    public async Task Failed_over_by_Sentinel()
    {
        await using var sentinels = await RedisSentinels.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(sentinels.ConnectionString + "?commandTimeout=100&connectTimeout=1000", _ct);
        await using var traffic = new Traffic(client, mayForget: true);
        await traffic.AnsweredAgainAsync();
        var before = client.Statistics.Server;
        await sentinels.FailOverAsync(_ct);
        await Eventually.TrueAsync(() => client.Statistics.Server != before && client.IsConnected, TimeSpan.FromSeconds(40));
        output.WriteLine($"planned: answered again {(await traffic.AnsweredAgainAsync()).TotalMilliseconds:F0} ms after the move");

        before = client.Statistics.Server;
        await sentinels.KillMasterAsync(_ct);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => client.Statistics.Server != before && client.IsConnected, TimeSpan.FromSeconds(40));
        await traffic.AnsweredAgainAsync();
        output.WriteLine($"killed: answered again after {System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalMilliseconds:F0} ms, {await traffic.EndAsync(LongestCall)}");
    }

    // Slots with keys in them, moved while those are read and written: MOVED and ASK both come.
    [Fact]
    public async Task Resharded_in_a_cluster()
    {
        await using var cluster = await RedisCluster.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(cluster.ConnectionString, _ct);
        await using var traffic = new Traffic(client, mayForget: false);
        await traffic.AnsweredAgainAsync();
        for (var round = 0; round < 4; round++)
        {
            for (var i = 0; i < 16; i++)
            {
                await cluster.MoveSlotAsync(HashSlots.Of(FormattableString.Invariant($"traffic:{i}:0")), () => traffic.AnsweredAgainAsync(), _ct);
            }
        }

        await traffic.AnsweredAgainAsync();
        output.WriteLine(await traffic.EndAsync(LongestCall));
        Assert.DoesNotContain("MOVED", traffic.Refusals.Keys);
        Assert.DoesNotContain("ASK", traffic.Refusals.Keys);
        var stats = await cluster.StatsAsync("errorstat", _ct);
        Assert.Contains("errorstat_MOVED", stats, StringComparison.Ordinal);
        Assert.Contains("errorstat_ASK", stats, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_of_a_cluster_killed_and_started_again()
    {
        await using var cluster = await RedisCluster.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(cluster.ConnectionString + "?commandTimeout=100", _ct);
        await using var traffic = new Traffic(client, mayForget: true);
        await traffic.AnsweredAgainAsync();
        await cluster.Nodes[1].KillAsync();
        await Eventually.TrueAsync(() => traffic.Unavailable > 50 || traffic.Refusals.ContainsKey("CLUSTERDOWN"), LongestCall);
        await cluster.Nodes[1].RestartAsync(_ct);
        Assert.True(await client.WaitUntilConnectedAsync(TimeSpan.FromSeconds(30), _ct));
        await traffic.AnsweredAgainAsync();
        output.WriteLine(await traffic.EndAsync(LongestCall));
    }

    /// <param name="settings">Short time-outs, where they are what happens; none: such as a busy machine does not reach.</param>
    private async Task UnderLoadAsync(Func<RedisServer, Traffic, Task> happening, string settings = Quick)
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await using var client = await Clients.ConnectAsync(server.Address + settings, _ct);
        await using var traffic = new Traffic(client, mayForget: true);
        await traffic.AnsweredAgainAsync();
        await happening(server, traffic);
        await traffic.AnsweredAgainAsync();
        output.WriteLine(await traffic.EndAsync(LongestCall));
    }

    /// <summary>As above, but what happens, happens between client and server.</summary>
    private async Task BehindProxyAsync(Func<RedisProxy, Traffic, Task> happening)
    {
        await using var server = await RedisServer.StartAsync(_ct);
        await using var proxy = RedisProxy.Before(server);
        await using var client = await Clients.ConnectAsync(proxy.Address + Quick, _ct);
        await using var traffic = new Traffic(client, mayForget: true);   // a write without an answer may be done after its successor
        await traffic.AnsweredAgainAsync();
        await happening(proxy, traffic);
        await traffic.AnsweredAgainAsync();
        output.WriteLine(await traffic.EndAsync(LongestCall));
    }

    private static (string Ca, string Server) MakeCertificates(string folder)
    {
        Directory.CreateDirectory(folder);
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=test CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var (from, to) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(7));
        using var ca = caRequest.CreateSelfSigned(from, to);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(ca, from, to, RandomNumberGenerator.GetBytes(8));
        var (caFile, file) = (Path.Combine(folder, "ca.crt"), Path.Combine(folder, "server"));
        File.WriteAllText(caFile, ca.ExportCertificatePem());
        File.WriteAllText(file + ".crt", certificate.ExportCertificatePem());
        File.WriteAllText(file + ".key", key.ExportPkcs8PrivateKeyPem());
        return (caFile, file);
    }
}
