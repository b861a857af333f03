using System.Net;
using System.Text.Json;
using AuthService.Client;

namespace IntegrationTests.Features.SystemSettings;

public class SystemSettingsTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Theory]
    [InlineData("1")]
    [InlineData("\"text with \\u0000 in it\"")]
    [InlineData("[1,2,{\"a\":null}]")]
    [InlineData("false")]
    [InlineData("{\"b\":1,\"a\":[]}")]
    public async Task A_setting_is_read_on_every_node_as_it_was_written(string value)
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var admin = await one.AddAdministratorAsync("root", Ct);
        using (var missing = await admin.SendAsync(HttpMethod.Get, "/api/v1/settings/mail.sender", body: null, Ct, on: two)) Assert.Equal("settings.not_found", (await missing.ProblemAsync(Ct)).Code);
        await PutAsync(admin, "mail.sender", "\"before\"");
        Assert.Equal("\"before\"", await GetAsync(admin, "mail.sender", two));
        await PutAsync(admin, "mail.sender", value);
        foreach (var node in new[] { one, two }) Assert.Equal(value, await GetAsync(admin, "mail.sender", node));
    }

    // Without SetAsync in PutSetting the first read after a write loads it.
    [Fact]
    public async Task What_was_written_is_in_the_cache()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await PutAsync(admin, "a", "1");
        await GetAsync(admin, "a");
        await PutAsync(admin, "a", "2");
        Assert.Empty(await Statements.CountAsync(database, async () => Assert.Equal("2", await GetAsync(admin, "a")), Ct));
    }

    [Fact]
    public async Task A_setting_changed_with_psql_is_learnt()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        await PutAsync(admin, "a", "1");
        Assert.Equal("1", await GetAsync(admin, "a"));
        await database.ExecuteSqlAsync("UPDATE system_settings SET value = '2'", Ct);
        await Eventually.TrueAsync(async () => await GetAsync(admin, "a") == "2", TimeSpan.FromSeconds(5));
    }

    // Two writers at once: whoever committed last is whom both nodes tell of, in memory and in the table. Stamp with the version of the bump alone (no
    // capture before) and now and then the other one stays in memory.
    [Fact]
    public async Task Of_writers_at_once_the_last_to_commit_is_told_everywhere()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var one = await Node.StartAsync(database, Ct);
        await using var two = await Node.StartAsync(database, Ct, one.MasterKey);
        var admin = await one.AddAdministratorAsync("root", Ct);
        for (var round = 0; round < 20; round++)
        {
            await Race.RunAsync(4, async i => { await PutAsync(admin, "contended", $"{i}", i % 2 == 0 ? one : two); return 0; });
            var kept = await database.ReadSqlAsync<string>("SELECT value::text FROM system_settings WHERE key = 'contended'", Ct);
            foreach (var node in new[] { one, two }) Assert.Equal(kept, await GetAsync(admin, "contended", node));
        }
    }

    [Fact]
    public async Task Names_and_values_that_are_none_are_refused()
    {
        await using var database = await servers.CreateDatabaseAsync(Ct);
        await using var node = await Node.StartAsync(database, Ct);
        var admin = await node.AddAdministratorAsync("root", Ct);
        foreach (var key in new[] { "A", "9", "-a", "a b", "a%2Fb", "ä", new string('a', 129), "a:b" })
        {
            using var refused = await SendAsync(admin, key, "1");
            Assert.Equal("settings.key_not_valid", (await refused.ProblemAsync(Ct)).Code);
        }

        using var large = await SendAsync(admin, "a", JsonSerializer.Serialize(new string('x', 65_535)));
        Assert.Equal("settings.value_too_large", Assert.Single((await large.ProblemAsync(Ct)).Errors!).Code);
        using var none = await SendAsync(admin, "a", "null");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, none.StatusCode);
        Assert.Equal(0, await database.ReadSqlAsync<long>("SELECT count(*) FROM system_settings", Ct));
    }

    private async Task PutAsync(Account caller, string key, string value, Node? on = null)
    {
        using var answer = await SendAsync(caller, key, value, on);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Ct));
    }

    private Task<HttpResponseMessage> SendAsync(Account caller, string key, string value, Node? on = null) =>
        caller.SendAsync(HttpMethod.Put, "/api/v1/settings/" + key, System.Text.Json.Nodes.JsonNode.Parse($$"""{"value":{{value}}}"""), Ct, on);

    private async Task<string> GetAsync(Account caller, string key, Node? on = null)
    {
        using var answer = await caller.SendAsync(HttpMethod.Get, "/api/v1/settings/" + key, body: null, Ct, on);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.SettingInfo, Ct))!.Value.GetRawText();
    }
}
