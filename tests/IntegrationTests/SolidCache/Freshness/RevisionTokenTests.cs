using System.Buffers.Text;
using System.Security.Cryptography;
using SolidCache;
using SolidCache.Freshness;

namespace IntegrationTests.SolidCache.Freshness;

/// <summary>Tokens that make any node answer from state at least as new, without asking anybody.</summary>
public class RevisionTokenTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly byte[] TokenKey = RandomNumberGenerator.GetBytes(32);

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task With_a_token_a_node_that_has_not_polled_answers_from_the_new_state()
    {
        await using var scene = await StartAsync();
        var token = await scene.ChangeAsync(["user:1"], Ct);
        Assert.Equal("old", await scene.AskAsync(Ct));
        Assert.True(await scene.Reader.Cache.AcceptAsync(token, Ct));
        Assert.Equal("new", await scene.AskAsync(Ct));
    }

    // Leave the MAC unchecked and every one of these is accepted, or throws.
    [Fact]
    public async Task A_token_that_was_changed_anywhere_or_cut_is_refused()
    {
        await using var scene = await StartAsync();
        var token = await scene.ChangeAsync(["user:1"], Ct);
        var bytes = Base64Url.DecodeFromChars(token);
        for (var i = 0; i < bytes.Length; i++)
        {
            foreach (var bit in (byte[])[0x01, 0x80, 0xff])
            {
                var changed = (byte[])bytes.Clone();
                changed[i] ^= bit;
                Assert.False(await scene.Reader.Cache.AcceptAsync(Base64Url.EncodeToString(changed), Ct));
            }
        }

        for (var length = 0; length < token.Length; length++) Assert.False(await scene.Reader.Cache.AcceptAsync(token[..length], Ct));
        Assert.False(await scene.Reader.Cache.AcceptAsync(token + "A", Ct));
        Assert.False(await scene.Reader.Cache.AcceptAsync(token + "=", Ct));
        Assert.False(await scene.Reader.Cache.AcceptAsync(" " + token, Ct));
        Assert.Equal("old", await scene.AskAsync(Ct));
    }

    [Fact]
    public async Task A_token_under_another_key_is_refused()
    {
        await using var scene = await StartAsync();
        var token = await scene.ChangeAsync(["user:1"], Ct);
        await using var stranger = await ManualNode.StartAsync(scene.Database.ConnectionString, Ct, o => o.Freshness.TokenKey = RandomNumberGenerator.GetBytes(32));
        Assert.False(await stranger.Cache.AcceptAsync(token, Ct));
    }

    [Fact]
    public async Task A_token_of_another_epoch_is_refused()
    {
        await using var scene = await StartAsync();
        Assert.False(await scene.Reader.Cache.AcceptAsync(scene.Writer.Cache.TokenOf(new Revision(Guid.NewGuid(), [1], [1], [1])), Ct));
        Assert.False(await scene.Reader.Cache.AcceptAsync(scene.Writer.Cache.TokenOf(new Revision(Guid.Empty, [1], [1], [1])), Ct));
    }

    [Fact]
    public async Task A_token_of_a_call_that_changed_nothing_is_accepted()
    {
        await using var scene = await StartAsync();
        Assert.True(await scene.Reader.Cache.AcceptAsync(scene.Writer.Cache.TokenOf(Revision.None), Ct));
    }

    // Without the wait for the transaction this is accepted at once, and the old value served.
    [Fact]
    public async Task With_more_tags_than_a_token_carries_the_node_waits_for_its_poll()
    {
        await using var scene = await StartAsync();
        var token = await scene.ChangeAsync([.. Enumerable.Range(1, 9).Select(i => $"user:{i}")], Ct);
        var accepting = scene.Reader.Cache.AcceptAsync(token, Ct).AsTask();
        Assert.False(accepting.IsCompleted);
        Assert.Equal("old", await scene.AskAsync(Ct));
        await scene.Reader.PollAsync(Ct);
        Assert.True(await accepting);
        Assert.Equal("new", await scene.AskAsync(Ct));
    }

    private async Task<Scene> StartAsync()
    {
        var database = await servers.CreateEmptyDatabaseAsync(Ct);
        static void Configure(SolidCacheOptions o) => o.Freshness.TokenKey = TokenKey;
        var scene = new Scene(
            database, await ManualNode.StartAsync(database.ConnectionString, Ct, Configure), await ManualNode.StartAsync(database.ConnectionString, Ct, Configure));
        Assert.Equal("old", await scene.AskAsync(Ct));
        return scene;
    }

    private sealed class Scene(TestDatabase database, ManualNode writer, ManualNode reader) : IAsyncDisposable
    {
        private string _source = "old";

        public TestDatabase Database => database;
        public ManualNode Writer => writer;
        public ManualNode Reader => reader;

        public ValueTask<string> AskAsync(CancellationToken ct) => reader.Cache.GetOrCreateAsync("user:1", _ => ValueTask.FromResult(_source), cancellationToken: ct);

        /// <returns>Its token. Nobody waits for the barrier.</returns>
        public async Task<string> ChangeAsync(string[] tags, CancellationToken ct)
        {
            await using var connection = await database.DataSource.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            var revision = await writer.Cache.InvalidateAsync(transaction, tags, ct);
            await transaction.CommitAsync(ct);
            _source = "new";
            return writer.Cache.TokenOf(revision);
        }

        public async ValueTask DisposeAsync()
        {
            await reader.DisposeAsync();
            await writer.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
