using AuthService.Database;
using AuthService.Features.Authorization;
using Npgsql;

namespace Bench.Authorization;

/// <summary>The service's own <see cref="Rights"/> in this process. The one place here that knows what they are made of.</summary>
internal sealed class RightsUnderTest : IAsyncDisposable
{
    private readonly NpgsqlDataSource _db;
    private readonly Rights _rights;

    private RightsUnderTest(NpgsqlDataSource db) => (_db, _rights) = (db, new Rights(db));

    /// <summary>With a pool and statements as the service has them.</summary>
    /// <param name="isCached">False: every question is a load.</param>
    public static Task<RightsUnderTest> StartAsync(string connectionString, bool isCached)
    {
        _ = isCached;   // there is no cache to switch off
        return Task.FromResult(new RightsUnderTest(DataSources.Create(connectionString, new DatabaseOptions(), loggers: null)));
    }

    public ValueTask<UserRights> OfAsync(long userId) => new(_rights.OfAsync(userId, CancellationToken.None));

    public ValueTask DisposeAsync() => _db.DisposeAsync();
}
