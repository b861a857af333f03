using System.Net;
using AuthService.Client;
using AuthService.Features.Webhooks;
using AuthService.Jobs;
using IntegrationTests.Outbound;

namespace IntegrationTests.Features.Webhooks;

/// <summary>Messages on their way: signed, tried as documented, and to nowhere beside us.</summary>
public class DeliverWebhookTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    /// <summary>Runs jobs, tries them twice, and may call this machine.</summary>
    private static readonly (string, string)[] Running =
    [
        ("Jobs:Enabled", "true"), ("Jobs:MaxTries", "2"), ("Jobs:FirstRetryDelay", "00:00:00.1"), ("Jobs:MaxRetryDelay", "00:00:00.1"),
        ("Outbound:AllowedNetworks", "127.0.0.0/8"), ("Outbound:TryTimeout", "00:00:01"),
    ];

    private CancellationToken Ct => servers.TestTimeout;

    // Sign the body without its id, or leave the time out, or sign with the secret's text instead of its bytes, and another's code says forged.
    [Fact]
    public async Task A_change_arrives_signed_so_that_code_of_others_knows_it_and_refuses_it_replayed()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: Running);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var inbox = await Inbox.OpenAsync(Ct);
        var webhook = await node.CreateWebhookAsync(admin, inbox.Url, ["role.granted"], Ct);
        var role = await database.AddRoleAsync("editor", Ct);   // role.created, which it has not asked for
        var user = await database.AddRightlessUserAsync("somebody", Ct);
        Assert.Equal(HttpStatusCode.NoContent, await admin.SendAsync(HttpMethod.Put, $"/api/v1/users/{user}/roles/{role}", body: null, Ct).StatusAsync());
        await Eventually.TrueAsync(() => inbox.Count == 1, Soon);
        var message = inbox.All[0];
        Assert.Equal("application/json", message.ContentType);
        Assert.Equal((message.Id, "role.granted", "editor"), ((string?)message.Json["id"], message.Type, message.Name));
        Assert.Equal((user, role), ((long)message.Json["data"]!["user_id"]!, (long)message.Json["data"]!["role_id"]!));
        Assert.InRange((DateTimeOffset)message.Json["occurred_at"]!, TimeProvider.System.GetUtcNow().AddMinutes(-2), TimeProvider.System.GetUtcNow().AddMinutes(1));

        using var rotated = await admin.SendAsync(HttpMethod.Post, $"/api/v1/webhooks/{webhook.Id}/rotate-secret", body: null, Ct);
        var secret = (await rotated.Content.ReadFromJsonAsync(WireJson.Default.RotatedWebhookSecret, Ct))!.Secret;
        using var tested = await admin.SendAsync(HttpMethod.Post, $"/api/v1/webhooks/{webhook.Id}/test", body: null, Ct);
        Assert.Equal(HttpStatusCode.Accepted, tested.StatusCode);
        await Eventually.TrueAsync(() => inbox.Count == 2, Soon);
        var test = inbox.All[1];
        Assert.Equal(("webhook.test", (await tested.Content.ReadFromJsonAsync(WireJson.Default.WebhookTest, Ct))!.MessageId.ToString()), (test.Type, test.Id));

        Assert.Equal(["good", "good"], await Inbox.VerifyAsync(webhook.Secret, TimeSpan.Zero, [message, test], Ct));   // for a day the old one signs as well
        Assert.Equal(["forged", "good"], await Inbox.VerifyAsync(secret, TimeSpan.Zero, [message, test], Ct));
        Assert.Equal(["replayed", "good"], [.. await Inbox.VerifyAsync(webhook.Secret, TimeSpan.FromMinutes(6), [message], Ct), .. await Inbox.VerifyAsync(webhook.Secret, TimeSpan.FromMinutes(4), [message], Ct)]);
        Assert.Equal(["forged", "forged", "forged"], await Inbox.VerifyAsync(webhook.Secret, TimeSpan.Zero,
            [message with { Body = [.. message.Body, (byte)' '] }, message with { Id = test.Id }, message with { Timestamp = (long.Parse(message.Timestamp, System.Globalization.CultureInfo.InvariantCulture) + 1).ToString(System.Globalization.CultureInfo.InvariantCulture) }], Ct));

        await database.ExecuteAsync("UPDATE webhooks SET previous_until = now()", Ct);
        using var again = await admin.SendAsync(HttpMethod.Post, $"/api/v1/webhooks/{webhook.Id}/test", body: null, Ct);
        await Eventually.TrueAsync(() => inbox.Count == 3, Soon);
        Assert.Equal("forged", Assert.Single(await Inbox.VerifyAsync(webhook.Secret, TimeSpan.Zero, [inbox.All[2]], Ct)));
    }

    // Let OutboundHttp repeat it, or note a try that failed nowhere, and the numbers are others.
    [Theory]
    [InlineData("400", 400, null)]
    [InlineData("404", 404, null)]
    [InlineData("500", 500, null)]
    [InlineData("redirect", 302, null)]
    [InlineData("429", 429, null)]
    [InlineData("silent", null, "timeout")]
    [InlineData("cut off", null, "broken")]
    public async Task A_try_that_fails_is_one_request_and_one_row_and_is_made_again(string answer, int? status, string? error)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: Running);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var elsewhere = await Receiver.StartAsync(200, Ct);
        await using var inbox = await Inbox.OpenAsync(Ct, async (context, number) =>
        {
            if (number == 2) return;   // 204
            switch (answer)
            {
                case "silent": await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted); break;
                case "cut off": context.Abort(); break;
                case "redirect": context.Response.StatusCode = 302; context.Response.Headers.Location = elsewhere.Url.ToString(); break;
                case "429": context.Response.StatusCode = 429; context.Response.Headers.RetryAfter = "2"; break;
                default: context.Response.StatusCode = status!.Value; break;
            }
        });
        var webhook = await node.CreateWebhookAsync(admin, inbox.Url, ["*"], Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('made')", Ct);
        await Eventually.TrueAsync(async () => (await TriesAsync(admin, webhook)).Count == 2, Soon);
        var tries = await TriesAsync(admin, webhook);   // newest first
        Assert.Equal([(2, 204, null), (1, status, error)], tries.Select(t => (t.Try, t.Status, t.Error)));
        Assert.Single(tries.Select(t => t.MessageId).Distinct());
        Assert.Single(inbox.All.Select(m => (m.Id, Convert.ToBase64String(m.Body))).Distinct());   // the same message, byte for byte
        Assert.Equal((2, 0), (inbox.Count, elsewhere.Connections));
        Assert.Equal(["good", "good"], await Inbox.VerifyAsync(webhook.Secret, TimeSpan.Zero, inbox.All, Ct));
        // When it was to come again is believed, also beyond the longest wait of jobs.
        if (answer == "429") Assert.True(tries[0].At - tries[1].At >= TimeSpan.FromSeconds(1.9));
        Assert.Null((await admin.GetAsync($"/api/v1/webhooks/{webhook.Id}", WireJson.Default.WebhookInfo, Ct)).FailingSince);
    }

    // Read the answer's body without an end, and this does not end.
    [Fact]
    public async Task The_body_of_an_answer_is_nobodys_business()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: Running);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var inbox = await Inbox.OpenAsync(Ct, async (context, _) =>
        {
            context.Response.StatusCode = 200;
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(new byte[4096], context.RequestAborted);
        });
        var webhook = await node.CreateWebhookAsync(admin, inbox.Url, ["*"], Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('made')", Ct);
        await Eventually.TrueAsync(async () => await TriesAsync(admin, webhook) is [{ Try: 1, Status: 200, Error: null }], Soon);
    }

    // Let the last try be any but the last, and a receiver that is never well is asked for ever.
    [Fact]
    public async Task What_never_succeeds_is_a_dead_letter()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: Running);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var inbox = await Inbox.OpenAsync(Ct, (context, _) => { context.Response.StatusCode = 503; return Task.CompletedTask; });
        var webhook = await node.CreateWebhookAsync(admin, inbox.Url, ["*"], Ct);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('made')", Ct);
        var dead = await DeadAsync(admin);
        Assert.Equal(["answered 503", "answered 503"], dead.FailedTries.Select(t => t.Error));
        Assert.Equal((2, 2), (inbox.Count, (await TriesAsync(admin, webhook)).Count));
        var found = await admin.GetAsync($"/api/v1/webhooks/{webhook.Id}", WireJson.Default.WebhookInfo, Ct);
        Assert.True(found is { IsActive: true, FailingSince: not null, SwitchedOff: null });
    }

    // Take 410 for a failure like another, and it is tried again; compare failing_since with nothing, and the first failure switches it off.
    [Theory]
    [InlineData(410, null, "gone")]
    [InlineData(500, "6 days", "failing")]
    [InlineData(500, "4 days", null)]
    public async Task A_receiver_that_is_gone_or_fails_for_days_is_sent_nothing_more(int status, string? failingFor, string? switchedOff)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [.. Running.Where(s => s.Item1 != "Jobs:MaxTries"), ("Jobs:MaxTries", status == 410 ? "2" : "1")]);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await using var inbox = await Inbox.OpenAsync(Ct, (context, _) => { context.Response.StatusCode = status; return Task.CompletedTask; });
        var webhook = await node.CreateWebhookAsync(admin, inbox.Url, ["*"], Ct);
        if (failingFor is not null) await database.ExecuteSqlAsync("UPDATE webhooks SET failing_since = now() - $1::text::interval", Ct, failingFor);
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('made')", Ct);
        Assert.Equal($"answered {status}", (await DeadAsync(admin)).FailedTries.Single().Error);
        var found = await admin.GetAsync($"/api/v1/webhooks/{webhook.Id}", WireJson.Default.WebhookInfo, Ct);
        Assert.Equal((switchedOff is null, switchedOff), (found.IsActive, found.SwitchedOff));
        Assert.Equal(switchedOff is null ? 0 : 1, await database.ReadAsync<long>("SELECT count(*) FROM audit_events WHERE type = 'webhook_changed' AND actor_type = 'system' AND reason LIKE 'switched off: %'", Ct));
        if (switchedOff is null) return;

        // What waits is not sent, what happens is missed; switched on, it begins anew.
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('missed')", Ct);
        var job = new JobRun(Guid.CreateVersion7(), 1, $$$"""{"webhook_id": {{{webhook.Id}}}, "type": "role.created", "occurred_at": "2026-11-29T00:00:00Z", "data": {}}""");
        Assert.StartsWith("not sent", await node.Services.GetServices<IJob>().OfType<DeliverWebhook>().Single().RunAsync(job, Ct), StringComparison.Ordinal);
        using (var on = await admin.SendAsync(HttpMethod.Patch, $"/api/v1/webhooks/{webhook.Id}", new UpdateWebhookRequest { IsActive = true }, Ct))
        {
            Assert.True(await on.Content.ReadFromJsonAsync(WireJson.Default.WebhookInfo, Ct) is { IsActive: true, SwitchedOff: null, FailingSince: null });
        }

        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('told')", Ct);
        await Eventually.TrueAsync(() => inbox.Count == 2, Soon);
        Assert.Equal(["made", "told"], inbox.All.Select(m => m.Name));
    }

    // T78, when it is sent: rows may be older than what the operator allows, or written without us. Take the second look and the dialer's out of the way and this arrives.
    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task An_address_beside_us_is_refused_when_something_is_to_be_sent_there(string scheme)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var inbox = await Inbox.OpenAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: [.. Running.Where(s => s.Item1 != "Outbound:AllowedNetworks")]);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var webhook = await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["*"], Ct);
        await database.ExecuteSqlAsync("UPDATE webhooks SET url = $1", Ct, new UriBuilder(inbox.Url) { Scheme = scheme }.Uri.ToString());
        await database.ExecuteAsync("INSERT INTO roles (name) VALUES ('made')", Ct);
        Assert.Equal("no answer: refused", (await DeadAsync(admin)).FailedTries.Single().Error);
        Assert.Equal((null, "refused"), Assert.Single((await TriesAsync(admin, webhook)).Select(t => (t.Status, t.Error))));
        Assert.Equal(0, inbox.Connections);
    }

    // Bind nothing of the row to its secret, and the other one's signs.
    [Fact]
    public async Task A_secret_that_is_moved_to_another_row_signs_nothing()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var inbox = await Inbox.OpenAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct, settings: ("Outbound:AllowedNetworks", "127.0.0.0/8"));
        var admin = await node.AddAdministratorAsync("root", Ct);
        var (own, other) = (await node.CreateWebhookAsync(admin, inbox.Url, ["*"], Ct), await node.CreateWebhookAsync(admin, inbox.Url, ["*"], Ct));
        await database.ExecuteSqlAsync("UPDATE webhooks SET secret_sealed = (SELECT secret_sealed FROM webhooks WHERE id = $1) WHERE id = $2", Ct, own.Id, other.Id);
        var deliver = node.Services.GetServices<IJob>().OfType<DeliverWebhook>().Single();
        await Assert.ThrowsAsync<InvalidOperationException>(() => deliver.RunAsync(To(other.Id), Ct));
        await deliver.RunAsync(To(own.Id), Ct);
        Assert.Equal(1, inbox.Count);

        static JobRun To(long id) => new(Guid.CreateVersion7(), 1, $$$"""{"webhook_id": {{{id}}}, "type": "role.created", "occurred_at": "2026-11-29T00:00:00Z", "data": {}}""");
    }

    [Fact]
    public async Task Tries_are_kept_for_a_week()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        var webhook = await node.CreateWebhookAsync(admin, "https://hooks.example.org/", ["*"], Ct);
        await database.ExecuteSqlAsync("INSERT INTO webhook_deliveries (webhook_id, message_id, type, try, status, duration_ms, at) SELECT $1, gen_random_uuid(), 'role.granted', n, 200, 1, now() - n * interval '1 day' FROM generate_series(1, 9) n", Ct, webhook.Id);
        await node.Services.GetRequiredService<PurgeDeliveries>().RunAsync(new Progress<string>(), Ct);
        Assert.Equal([6, 5, 4, 3, 2, 1], (await TriesAsync(admin, webhook)).Select(t => t.Try));
        var first = await admin.GetAsync($"/api/v1/webhooks/{webhook.Id}/deliveries?limit=4", WireJson.Default.PageWebhookDelivery, Ct);
        var second = await admin.GetAsync($"/api/v1/webhooks/{webhook.Id}/deliveries?limit=4&cursor={first.NextCursor}", WireJson.Default.PageWebhookDelivery, Ct);
        Assert.Equal((6, 4, 2, null), (first.Total, first.Items.Count, second.Items.Count, second.NextCursor));
    }

    private async Task<IReadOnlyList<WebhookDelivery>> TriesAsync(Account admin, CreatedWebhook webhook) =>
        (await admin.GetAsync($"/api/v1/webhooks/{webhook.Id}/deliveries", WireJson.Default.PageWebhookDelivery, Ct)).Items;

    private async Task<JobInfo> DeadAsync(Account admin)
    {
        JobInfo? dead = null;
        await Eventually.TrueAsync(async () => (dead = (await admin.GetAsync("/admin/jobs?state=dead", WireJson.Default.PageJobInfo, Ct)).Items.SingleOrDefault()) is not null, Soon);
        return dead!;
    }
}

internal static class WebhookCalls
{
    public static async Task<CreatedWebhook> CreateWebhookAsync(this Node node, Account admin, string url, string[] events, CancellationToken ct)
    {
        using var answer = await admin.SendAsync(HttpMethod.Post, "/api/v1/webhooks", new CreateWebhookRequest { Url = url, Events = events }, ct, node);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.CreatedWebhook, ct))!;
    }
}
