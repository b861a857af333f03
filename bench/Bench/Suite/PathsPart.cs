using Bench.Http;
using Bench.Report;

namespace Bench.Suite;

/// <summary>Paths nothing is compared with: what a client asks for beside checks and refreshes.</summary>
internal static class PathsPart
{
    private const int Seconds = 1;
    private const int WarmUpSeconds = 3;   // the compiler's, and until every account has been asked about

    private static readonly (string What, string Path, bool IsAdministrators)[] Paths =
    [
        ("own profile", "/api/v1/users/profile", false),
        ("own permissions", "/api/v1/me/permissions", false),
        ("list of accounts, first 50 of 100,000", "/api/v1/users?limit=50", true),
        ("public keys", "/.well-known/jwks.json", false),
    ];

    public static async Task RunAsync(Scene scene)
    {
        var (access, administrator) = (await scene.AccessTokensAsync(), await AdministratorAsync(scene));
        await Scene.WarmAsync(scene.Service, access);
        var series = Paths.Select(_ => new LoadSeries()).ToArray();
        for (var round = -1; round < Scene.Rounds; round++)
        {
            for (var i = 0; i < Paths.Length; i++)
            {
                var run = await Wrk.RunAsync(scene.Service.Address, "get.lua", Scene.Connections, round < 0 ? WarmUpSeconds : Seconds, ("ACCESS", Paths[i].IsAdministrators ? administrator : access), ("GET_PATH", Paths[i].Path));
                if (round >= 0) series[i].Add(run);
            }
        }

        for (var i = 0; i < Paths.Length; i++) scene.Report.Load(Figures.Text($"{Paths[i].What}, {Scene.Connections} connections"), series[i]);
    }

    /// <returns>A file <c>get.lua</c> reads, with the administrator's token alone.</returns>
    public static async Task<string> AdministratorAsync(Scene scene)
    {
        var file = scene.Target.InFolder("administrator");
        await File.WriteAllTextAsync(file, scene.Administrator + "\n");
        return file;
    }
}
