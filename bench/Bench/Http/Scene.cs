using AuthService.Client;
using Bench.Peers;
using Bench.Report;

namespace Bench.Http;

/// <summary>What the parts of <see cref="HttpBench"/> have in common.</summary>
/// <param name="Service">The node under load.</param>
/// <param name="Administrator">Access token of an account that holds every permission.</param>
internal sealed record Scene(Target Target, ServerProcess Service, SessionMint Mint, string Administrator, PeerSet Peers, Findings Report) : IAsyncDisposable
{
    /// <summary>Rounds of every load; medians of them are told.</summary>
    public const int Rounds = 5;

    public const int Connections = 32;

    /// <summary>Accounts that take part in a load, each with a session of its own.</summary>
    public const int Users = 10_000;

    /// <summary>Until the compiler is done with what a load makes hot: on two cores it takes its time from the load.</summary>
    public const int SecondsToSteadiness = 15;

    /// <summary>The same for the limit, which has little to compile.</summary>
    public const int LimitsSecondsToSteadiness = 6;

    /// <summary>Rounds of what is only drawn as a curve.</summary>
    public const int CurveRounds = 3;

    private const int LongestWarmUpSeconds = 4;

    /// <summary>Whether parts also measure what explains their figures and takes as long as these.</summary>
    public bool IsInDepth { get; init; } = true;

    /// <summary>One node on a target that was seeded.</summary>
    public static async Task<Scene> OpenAsync(Target target, PeerSet peers, Findings report)
    {
        // The administrator comes before the node that serves, which knows it from the start.
        await target.MakeKeysAsync();
        var mint = await SessionMint.CreateAsync(target, Users);
        var administrator = await mint.AdministratorAsync();
        return new Scene(target, await target.StartAsync(), mint, administrator, peers, report);
    }

    /// <summary>Writes new sessions to a file wrk reads.</summary>
    public async Task<string> RefreshTokensAsync(int count)
    {
        var file = Target.InFolder("refresh");
        await File.WriteAllLinesAsync(file, await Mint.MintRefreshTokensAsync(count));
        return file;
    }

    /// <inheritdoc cref="RefreshTokensAsync"/>
    public async Task<string> AccessTokensAsync(int count = Users)
    {
        var file = Target.InFolder("access");
        await File.WriteAllLinesAsync(file, (await Mint.MintAsync(count)).Select(s => $"{s.AccessToken} {s.Permission}"));
        return file;
    }

    /// <summary>Asks the service once for the rights of every account, a hundred a call.</summary>
    public async Task AskAboutAllAsync()
    {
        var ids = await Target.ReadAsync<long[]>("SELECT array_agg(id ORDER BY id) FROM users");
        await Parallel.ForEachAsync(ids.Chunk(100), new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (chunk, ct) =>
        {
            var question = new BatchCheckRequest { Checks = [.. chunk.Select(id => new CheckRequest { UserId = id, Permission = "res1:read" })] };
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/v1/authz/check/batch", UriKind.Relative));
            request.Content = JsonContent.Create(question, WireJson.Default.BatchCheckRequest);
            (await SendAsync(Service, request, ct)).Dispose();
        });
    }

    /// <summary>Lets a node see the sessions in a file of <see cref="AccessTokensAsync"/>, all of them if it is quick enough to be asked.</summary>
    public static async Task WarmAsync(ServerProcess node, string access, int sessions = Users)
    {
        // Every run begins with the first session again.
        for (var seconds = 2; seconds <= LongestWarmUpSeconds; seconds *= 2)
        {
            if ((await Wrk.RunAsync(node.Address, "check.lua", Connections, seconds, ("ACCESS", access))).Requests >= sessions) return;
        }
    }

    /// <summary>As the administrator; anything but 2xx is an error of the bench.</summary>
    public async Task<HttpResponseMessage> SendAsync(ServerProcess node, HttpRequestMessage request, CancellationToken ct = default)
    {
        request.Headers.Authorization = new("Bearer", Administrator);
        return (await node.Http.SendAsync(request, ct)).EnsureSuccessStatusCode();
    }

    /// <summary>How long an administrator waits for one change.</summary>
    public async Task<double> TimeMsAsync(ServerProcess node, HttpMethod method, FormattableString path)
    {
        using var request = new HttpRequestMessage(method, new Uri(Figures.Text(path), UriKind.Relative));
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        (await SendAsync(node, request)).Dispose();
        return System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        Mint.Dispose();
    }
}
