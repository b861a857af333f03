using AuthService.Cli;
using AuthService.Installation;
using AuthService.Seeding;
using Bench.Peers;
using Npgsql;
using SolidCache.Redis.Resp;

namespace Microbenchmarks;

/// <summary>A whole node in this process, on a PostgreSQL of its own with demonstration data, and a Redis where one is installed; all of it in a folder that goes away.</summary>
internal sealed class BenchNode : IAsyncDisposable
{
    public const int Users = 10_000;

    private readonly string _folder;
    private readonly OpenInstallation _installation;
    private readonly WebApplication _node;
    private readonly RedisServer? _server;

    private BenchNode(string folder, OpenInstallation installation, WebApplication node, RedisServer? server, RedisClient? redis) =>
        (_folder, _installation, _node, _server, Redis) = (folder, installation, node, server, redis);

    public NpgsqlDataSource Db => _installation.Db;

    /// <summary>Null: none is installed.</summary>
    public RedisClient? Redis { get; }

    public static async Task<BenchNode> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("authservice-microbenchmarks-").FullName;
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);   // PostgreSQL runs under another account
        var builder = CommandHost.CreateBuilder([$"--Database:DataFolder={folder}", "--urls=http://127.0.0.1:0", "--Jobs:Enabled=false"]);
        builder.Logging.ClearProviders();
        using var loggers = LoggerFactory.Create(_ => { });
        var installation = await OpenInstallation.OpenAsync(builder.Configuration, asOwner: true, loggers, CancellationToken.None);
        await installation.BringUpToDateAsync(loggers, CancellationToken.None);
        await new SeedDemonstration(installation.Db, TimeProvider.System).ExecuteAsync(new SeedSize(Users, Roles: 50, Permissions: 100, "nobody signs in"), _ => { }, CancellationToken.None);
        var tokens = installation.BindTokens();
        var masterKey = await installation.ReadMasterKeyAsync(tokens, CancellationToken.None);
        var node = AuthServer.Build(builder, installation.Db, installation.ConnectionString, tokens, () => masterKey);
        await node.StartAsync();
        var server = await RedisServer.StartAsync(Path.Combine(folder, "redis"));
        return new BenchNode(folder, installation, node, server, server is null ? null : await ConnectAsync(server));
    }

    public T Get<T>() where T : notnull => _node.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        if (Redis is not null) await Redis.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
        await _node.StopAsync();
        await _node.DisposeAsync();
        await _installation.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<RedisClient> ConnectAsync(RedisServer server)
    {
        var redis = new RedisClient(new RedisSettings { Endpoints = [new RedisEndpoint("127.0.0.1", server.Port)] }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        redis.Start();
        await redis.WaitUntilConnectedAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        return redis;
    }
}
