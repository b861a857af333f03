using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using AuthService.Client;
using IntegrationTests.Features.Email;

namespace IntegrationTests.Outbound;

/// <summary>By https, with a certificate that is good: which one is, is a matter of the process's environment, so the caller is one.</summary>
public class OutboundTlsTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Ask for HTTP/1.1 in MessageOf, and the first line fails; close connections after each answer, and the last one does.
    [Fact]
    public async Task A_webhook_is_called_by_HTTP2_on_one_connection()
    {
        await using var folder = new TestFolder();
        var files = MailServer.CreateCertificate(folder);
        using var pem = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        using var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
        var protocols = new ConcurrentQueue<string>();
        await using var receiver = await Receiver.StartAsync((context, _) =>
        {
            protocols.Enqueue(context.Request.Protocol);
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        }, Ct, certificate);
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var service = await ServiceProcess.StartAsync(
            ServiceProcess.Settings(database, new byte[32], "--Outbound:AllowedNetworks=127.0.0.0/8,::1/128"), Ct,
            environment: new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["SSL_CERT_FILE"] = files.Certificate,
                ["AUTH_BOOTSTRAP_ADMIN_EMAIL"] = "root@example.com",
                ["AUTH_BOOTSTRAP_ADMIN_PASSWORD"] = Account.StandardPassword,
            });
        var root = await service.Http.LogInAsync("root@example.com", Account.StandardPassword, Ct).TokensAsync(Ct);
        service.Http.DefaultRequestHeaders.Authorization = new("Bearer", root.AccessToken);
        using var created = await service.Http.PostAsync(new Uri("/api/v1/webhooks", UriKind.Relative),
            JsonContent.Create(new CreateWebhookRequest { Url = $"https://localhost:{receiver.Port}/", Events = ["role.granted"] }, WireJson.Default.CreateWebhookRequest), Ct);
        var webhook = await created.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(WireJson.Default.CreatedWebhook, Ct);
        for (var n = 1; n <= 3; n++)
        {
            Assert.Equal(HttpStatusCode.Accepted, await service.Http.PostAsync(new Uri($"/api/v1/webhooks/{webhook!.Id}/test", UriKind.Relative), content: null, Ct).StatusAsync());
            await Eventually.TrueAsync(() => protocols.Count == n, TimeSpan.FromSeconds(30));
        }

        Assert.All(protocols, protocol => Assert.Equal("HTTP/2", protocol));
        Assert.Equal(1, receiver.Connections);
    }
}
