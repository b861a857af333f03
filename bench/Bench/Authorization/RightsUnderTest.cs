using AuthService.Caching;
using AuthService.Cli;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Tokens;
using Npgsql;
using SolidCache;

namespace Bench.Authorization;

/// <summary>The service's own <see cref="Rights"/> in this process, in a node that is whole: nothing here knows what they are made of.</summary>
internal sealed class RightsUnderTest : IAsyncDisposable
{
    private readonly WebApplication _node;
    private readonly NpgsqlDataSource _db;
    private readonly Rights _rights;

    private RightsUnderTest(WebApplication node, NpgsqlDataSource db) => (_node, _db, _rights) = (node, db, node.Services.GetRequiredService<Rights>());

    /// <param name="settings">Such as <c>--SolidCache:MemoryMaxBytes=1000000</c>.</param>
    public static async Task<RightsUnderTest> StartAsync(Target target, params string[] settings)
    {
        var builder = CommandHost.CreateBuilder([.. settings, "--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var db = DataSources.Create(target.ConnectionString, new DatabaseOptions(), loggers: null);
        var masterKey = MasterKey.ReadFile(target.MasterKeyFile, mayCreate: true);
        var node = AuthServer.Build(builder, db, target.ConnectionString, new TokenOptions(), () => masterKey);
        await node.StartAsync();
        return new RightsUnderTest(node, db);
    }

    public ValueTask<UserRights> OfAsync(long userId) => _rights.OfAsync(userId, CancellationToken.None);

    /// <summary>Everybody's rights have to be loaded anew.</summary>
    public ValueTask ForgetAllAsync() => _node.Services.GetRequiredService<TieredCache>().RemoveByTagAsync(CacheTags.AllRights);

    public async ValueTask DisposeAsync()
    {
        await _node.StopAsync();
        await _node.DisposeAsync();
        await _db.DisposeAsync();
    }
}
