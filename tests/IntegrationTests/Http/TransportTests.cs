using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AuthService.Client;
using AuthService.Installation;

namespace IntegrationTests.Http;

/// <summary>How answers travel: compressed or not, known to the client already or not, over which version of HTTP; and what the server gives up on.</summary>
public class TransportTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Theory]
    [InlineData("br", "/api/v1/users?limit=200")]
    [InlineData("gzip", "/api/v1/users?limit=200")]
    [InlineData("br", "/api/v1/users/export")]
    [InlineData("gzip", "/api/v1/users/export?format=csv")]
    [InlineData("br", "/openapi/v1.json")]
    public async Task Large_answers_without_secrets_are_compressed_for_who_asks(string encoding, string path)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await database.AddUsersAsync("many", 150, Ct);
        using var plain = await admin.SendAsync(HttpMethod.Get, path, body: null, Ct);
        Assert.Empty(plain.Content.Headers.ContentEncoding);
        var expected = await plain.Content.ReadAsStringAsync(Ct);

        using var answer = await GetAsync(admin, HttpMethod.Get, path, encoding);
        Assert.Equal([encoding], answer.Content.Headers.ContentEncoding);
        Assert.Contains("Accept-Encoding", answer.Headers.Vary);
        var bytes = await answer.Content.ReadAsByteArrayAsync(Ct);
        Assert.True(bytes.Length < expected.Length / 2, $"{bytes.Length} of {expected.Length}");
        await using Stream unpacked = encoding == "br" ? new BrotliStream(new MemoryStream(bytes), CompressionMode.Decompress) : new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        Assert.Equal(expected, await new StreamReader(unpacked).ReadToEndAsync(Ct));
    }

    // BREACH: the length of a compressed answer tells what is in it. MayBeCompressed on the route of refresh, and this fails.
    [Fact]
    public async Task Answers_with_secrets_and_streams_of_events_are_never_compressed()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.CreateAdministratorAsync(Ct);
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Post, "/api/v1/auth/login", new LoginRequest { Email = "root@example.com", Password = Account.StandardPassword }),
            (HttpMethod.Post, "/api/v1/auth/refresh", new RefreshRequest { RefreshToken = admin.Tokens.RefreshToken }),
            (HttpMethod.Post, "/api/v1/users", new CreateUserRequest { Email = "new@example.com", Username = "new" }),
            (HttpMethod.Get, "/api/v1/events", null),
        })
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, body.GetType(), options: WireJson.Default.Options) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", admin.Tokens.AccessToken);
            request.Headers.AcceptEncoding.ParseAdd("br, gzip");
            using var answer = await node.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
            Assert.Empty(answer.Content.Headers.ContentEncoding);
        }

        // And those that may be are these.
        var compressible = node.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(AuthService.Http.RouteTraits.IsCompressible).Select(e => e.RoutePattern.RawText!);
        Assert.Equal(
            ["/admin/indexes", "/admin/slow-queries", "/api/v1/me/sessions", "/api/v1/permissions", "/api/v1/roles", "/api/v1/users", "/api/v1/users/export", "/api/v1/users/{id:long}/sessions",
             "/openapi/{documentName}.json"], compressible.Select(p => p.TrimEnd('/')).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_client_that_has_the_answer_is_told_so()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        for (var i = 0; i < 20; i++) await database.AddPermissionAsync("res" + i, "read", Ct);
        var id = await database.PermissionIdAsync("users:read", Ct);
        foreach (var path in new[] { "/api/v1/permissions/" + id, "/api/v1/permissions", "/api/v1/roles", "/api/v1/me/permissions", "/.well-known/jwks.json" })
        {
            using var first = await GetAsync(admin, HttpMethod.Get, path, "br");
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            Assert.Equal(first.Content.Headers.ContentEncoding.Count > 0, first.Headers.ETag!.IsWeak);   // other bytes than those the tag was made of
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", admin.Tokens.AccessToken);
            request.Headers.IfNoneMatch.Add(first.Headers.ETag);
            using var again = await node.Http.SendAsync(request, Ct);
            Assert.True(again.StatusCode == HttpStatusCode.NotModified, $"{path}: {again.StatusCode}");
            Assert.Empty(await again.Content.ReadAsByteArrayAsync(Ct));
        }
    }

    [Fact]
    public async Task Http_2_is_spoken_over_tls_and_without_at_a_port_of_its_own()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var folder = new TestFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var (certificateFile, keyFile) = (Path.Combine(folder.Path, "cert.pem"), Path.Combine(folder.Path, "key.pem"));
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem(), Ct);
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem(), Ct);
        var (plain, clear, tls) = (ServiceProcess.FreePort(), ServiceProcess.FreePort(), ServiceProcess.FreePort());
        await using var node = await Node.StartAsync(database, Ct, settings:
            [("urls", $"http://127.0.0.1:{plain};http://127.0.0.1:{clear};https://127.0.0.1:{tls}"), ("Http:Http2CleartextPort", $"{clear}"),
             ("Kestrel:Certificates:Default:Path", certificateFile), ("Kestrel:Certificates:Default:KeyPath", keyFile)]);

        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, presented, _, _) => presented!.GetCertHashString() == certificate.GetCertHashString() } });
        Assert.Equal(HttpVersion.Version11, await VersionAsync($"http://127.0.0.1:{plain}", HttpVersion.Version11));
        Assert.Equal(HttpVersion.Version20, await VersionAsync($"http://127.0.0.1:{clear}", HttpVersion.Version20));
        Assert.Equal(HttpVersion.Version20, await VersionAsync($"https://127.0.0.1:{tls}", HttpVersion.Version20));
        Assert.Equal(HttpVersion.Version11, await VersionAsync($"https://127.0.0.1:{tls}", HttpVersion.Version11));

        async Task<Version> VersionAsync(string address, Version version)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address + "/health/live") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var answer = await client.SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Single(answer.Headers.GetValues("X-Response-Time"));
            return answer.Version;
        }
    }

    [Fact]
    public async Task A_port_for_http_2_that_nobody_listens_at_stops_the_start()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        var refused = await Assert.ThrowsAsync<SettingsException>(() => Node.StartAsync(database, Ct, settings: ("Http:Http2CleartextPort", "9")));
        Assert.Contains("Http:Http2CleartextPort = '9'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_have_an_end_in_size_and_time_and_connections_in_number()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [("Http:HeadersTimeout", "00:00:01"), ("Http:MaxHeadersBytes", "4096"), ("Http:MaxConnections", "3")]);
        await using var large = await RawHttp.ConnectAsync(node, Ct);
        await large.SendAsync(RawHttp.Head("GET", "/health/live", "X-Large: " + new string('x', 5_000)), Ct);
        Assert.Equal(431, (await large.ReadAsync(Ct)).Status);

        await using var slow = await RawHttp.ConnectAsync(node, Ct);
        await slow.SendAsync("GET /health/live HTTP/1.1\r\nHost:"u8.ToArray(), Ct);
        Assert.Equal(408, (await slow.ReadAsync(Ct)).Status);

        var open = new List<RawHttp>();
        for (var i = 0; i < 4; i++) open.Add(await RawHttp.ConnectAsync(node, Ct));
        var answers = await Task.WhenAll(open.Select(async raw =>
        {
            await raw.SendAsync(Encoding.ASCII.GetBytes("GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"), Ct);
            return await raw.AnswersAsync(Ct);
        }));
        Assert.Equal(3, answers.Count(a => a));
        foreach (var raw in open) await raw.DisposeAsync();
    }

    private async Task<HttpResponseMessage> GetAsync(Account account, HttpMethod method, string path, string encoding)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", account.Tokens.AccessToken);
        request.Headers.AcceptEncoding.ParseAdd(encoding);
        return await account.Node.Http.SendAsync(request, Ct);
    }
}
