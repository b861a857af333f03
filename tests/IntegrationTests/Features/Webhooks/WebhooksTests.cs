using System.Net;
using System.Net.Http.Headers;
using AuthService.Client;
using UnitTests.Outbound;

namespace IntegrationTests.Features.Webhooks;

/// <summary>Webhooks as administrators set them.</summary>
public class WebhooksTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    // Keep the secret as it is, or put it into an answer or the audit trail, and the dump has it.
    [Fact]
    public async Task A_webhook_is_made_changed_and_deleted_and_its_secret_is_shown_once()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var created = await CreateAsync(admin, new CreateWebhookRequest { Url = "https://hooks.example.org/a?b=c", Events = ["role.granted", "role.granted", "user.deleted"], Description = "Search" });
        Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", created.Secret);
        var path = $"/api/v1/webhooks/{created.Id}";
        var webhook = await admin.GetAsync(path, WireJson.Default.WebhookInfo, Ct);
        Assert.Equal(("https://hooks.example.org/a?b=c", "Search", true), (webhook.Url, webhook.Description, webhook.IsActive));
        Assert.Equal(["role.granted", "user.deleted"], webhook.Events);
        Assert.Equal(created.Id, Assert.Single((await admin.GetAsync("/api/v1/webhooks", WireJson.Default.WebhookList, Ct)).Items).Id);

        using (var changed = await admin.SendAsync(HttpMethod.Patch, path, new UpdateWebhookRequest { Events = ["*"], Description = "", IsActive = false }, Ct))
        {
            webhook = (await changed.Content.ReadFromJsonAsync(WireJson.Default.WebhookInfo, Ct))!;
            Assert.Equal((null, false, "\"2\""), (webhook.Description, webhook.IsActive, changed.Headers.ETag!.Tag));
            Assert.Equal(["*"], webhook.Events);
        }

        using (var stale = new HttpRequestMessage(HttpMethod.Delete, path))
        {
            stale.Headers.Authorization = new AuthenticationHeaderValue("Bearer", admin.Tokens.AccessToken);
            stale.Headers.TryAddWithoutValidation("If-Match", "\"1\"");
            Assert.Equal(HttpStatusCode.PreconditionFailed, await node.Http.SendAsync(stale, Ct).StatusAsync());
        }

        Assert.Equal("webhooks.switched_off", await admin.SendAsync(HttpMethod.Post, path + "/test", body: null, Ct).CodeAsync(HttpStatusCode.Conflict, Ct));
        using var rotated = await admin.SendAsync(HttpMethod.Post, path + "/rotate-secret", body: null, Ct);
        var secret = (await rotated.Content.ReadFromJsonAsync(WireJson.Default.RotatedWebhookSecret, Ct))!.Secret;
        Assert.NotEqual(created.Secret, secret);
        var dump = await database.DumpAsync(Ct);
        foreach (var shown in new[] { created.Secret, secret })
        {
            Assert.DoesNotContain(shown["whsec_".Length..], dump, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexStringLower(Convert.FromBase64String(shown["whsec_".Length..])), dump, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(HttpStatusCode.NoContent, await admin.SendAsync(HttpMethod.Delete, path, body: null, Ct).StatusAsync());
        Assert.Equal("webhooks.not_found", await admin.SendAsync(HttpMethod.Get, path, body: null, Ct).CodeAsync(HttpStatusCode.NotFound, Ct));
        Assert.Equal(["create", "update", "rotate secret", "delete"],
            await database.ReadSqlAsync<string[]>("SELECT array_agg(reason ORDER BY ts, id) FROM audit_events WHERE type = 'webhook_changed' AND target_id = $1 AND actor_id = $2", Ct, created.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), admin.Id));
    }

    // T78, when it is set. Take OutboundUrl.TryParse out of CreateWebhook or UpdateWebhook and these are taken.
    [Fact]
    public async Task An_address_beside_us_is_refused_when_it_is_set()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var created = await CreateAsync(admin, new CreateWebhookRequest { Url = "https://hooks.example.org/", Events = ["*"] });
        foreach (var url in RefusedUrls.All.Append("http://hooks.example.org/").Where(u => u.Length is > 0 and <= 2_048))
        {
            using var made = await admin.SendAsync(HttpMethod.Post, "/api/v1/webhooks", new CreateWebhookRequest { Url = url, Events = ["*"] }, Ct);
            using var changed = await admin.SendAsync(HttpMethod.Patch, $"/api/v1/webhooks/{created.Id}", new UpdateWebhookRequest { Url = url }, Ct);
            foreach (var answer in new[] { made, changed })
            {
                Assert.True(HttpStatusCode.UnprocessableEntity == answer.StatusCode, url);
                Assert.Equal("webhooks.url_not_callable", Assert.Single((await answer.ProblemAsync(Ct)).Errors!).Code);
            }
        }

        using var unknown = await admin.SendAsync(HttpMethod.Post, "/api/v1/webhooks", new CreateWebhookRequest { Url = "https://hooks.example.org/", Events = ["role.granted", "role.eaten"] }, Ct);
        Assert.Equal("webhooks.event_not_known", Assert.Single((await unknown.ProblemAsync(Ct)).Errors!).Code);
    }

    // Count without holding the position, and of many at once some are too many.
    [Fact]
    public async Task There_are_never_more_than_a_hundred()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await database.ExecuteAsync("INSERT INTO webhooks (url, events, secret_sealed) SELECT 'https://hooks.example.org/', '{*}', '' FROM generate_series(1, 96)", Ct);
        var statuses = await Race.RunAsync(12, _ => admin.SendAsync(HttpMethod.Post, "/api/v1/webhooks", new CreateWebhookRequest { Url = "https://hooks.example.org/", Events = ["*"] }, Ct).StatusAsync());
        Assert.Equal((4, 8), (statuses.Count(s => s == HttpStatusCode.Created), statuses.Count(s => s == HttpStatusCode.Conflict)));
        Assert.Equal(100, await database.ReadAsync<long>("SELECT count(*) FROM webhooks", Ct));
    }

    private async Task<CreatedWebhook> CreateAsync(Account admin, CreateWebhookRequest request)
    {
        using var answer = await admin.SendAsync(HttpMethod.Post, "/api/v1/webhooks", request, Ct);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.CreatedWebhook, Ct))!;
    }
}
