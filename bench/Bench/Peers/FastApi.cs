using Npgsql;

namespace Bench.Peers;

/// <summary>FastAPI, asyncpg and Redis, with one worker per core.</summary>
internal static class FastApi
{
    private const string Name = "fastapi";

    private static readonly string Folder = Path.Combine("bench", "peers", "fastapi");

    public static async Task<Peer> StartAsync(Target target)
    {
        if (await FindPythonAsync() is not { } python) return Peer.Missing(Name, "its Python packages are not installed");
        if (await RedisServer.StartAsync(target.InFolder("redis")) is not { } redis) return Peer.Missing(Name, "Redis is not installed");
        try
        {
            var database = new NpgsqlConnectionStringBuilder(await target.CreateDatabaseAsync(Name));
            await FillAsync(database.ConnectionString);
            var program = new ServerProgram(python, Arguments, "/mint/1", new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["PGHOST"] = database.Host!,
                ["PGPORT"] = Figures.Text($"{database.Port}"),
                ["PGUSER"] = database.Username!,
                ["PGPASSWORD"] = database.Password!,
                ["PGDATABASE"] = database.Database!,
                ["PGSSLMODE"] = "disable",
                ["PEER_REDIS"] = redis.Url,
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            });
            return Peer.Of(Name, await ServerProcess.StartAsync(program), redis);
        }
        catch
        {
            await redis.DisposeAsync();
            throw;
        }
    }

    /// <returns>Of Python and of its packages; null where these are not installed.</returns>
    public static async Task<string?> VersionsAsync()
    {
        if (await FindPythonAsync() is not { } python) return null;
        const string Program = "import platform, importlib.metadata as m; print(platform.python_version(), *[f'{p} {m.version(p)}' for p in ('fastapi', 'uvicorn', 'asyncpg', 'redis', 'pyjwt', 'uvloop', 'httptools')], sep=', ')";
        await using var versions = ChildProcess.Start(python, ["-c", Program], []);
        await versions.EndAsync();
        return versions.LastWords.Trim();
    }

    private static IEnumerable<string> Arguments(Uri address) =>
    [
        "-m", "uvicorn", "app:app", "--app-dir", Folder, "--host", address.Host, "--port", Figures.Text($"{address.Port}"),
        "--workers", Figures.Text($"{Environment.ProcessorCount}"), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
    ];

    /// <summary>The Python that has the packages: the first in the path, or the one of the system, whose packages the distribution installs.</summary>
    private static async Task<string?> FindPythonAsync()
    {
        foreach (var python in new[] { "python3", "/usr/bin/python3" })
        {
            try
            {
                await using var probe = ChildProcess.Start(python, ["-c", "import fastapi, uvicorn, asyncpg, redis, jwt, uvloop, httptools"], []);
                if (await probe.EndAsync() == 0) return python;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // no such program
            }
        }

        return null;
    }

    private static async Task FillAsync(string connectionString)
    {
        await using var db = NpgsqlDataSource.Create(connectionString);
        await using var command = db.CreateCommand(await File.ReadAllTextAsync(Path.Combine(Folder, "schema.sql")));
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }
}
