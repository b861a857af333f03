using Bench.Http;
using Bench.Peers;
using Bench.Report;

namespace Bench.Suite;

/// <summary>More roles in the catalogue, and roles that permit more: what that does to a check, to the list of one's own rights, and to the token that carries them.</summary>
internal static class RightsGrowth
{
    private const int Users = 1_000;
    private const int Sessions = 2_000;   // so few that a short run sees them all
    private const int Seconds = 1;

    private static readonly int[] Roles = [10, 100, 1_000];
    private static readonly int[] PermissionsPerRole = [8, 64, 512];

    public static async Task RunAsync(SuiteReport report)
    {
        await using var target = await Target.CreateAsync(Users, Roles[0]);
        await using var peers = new PeerSet(target);
        await using var scene = await Scene.OpenAsync(target, peers, report.Findings);
        await WarmAsync(scene);
        var byRoles = report.Add(new Curve("roles-rate", "Throughput by roles in the catalogue", "roles", "requests per second") { IsLogarithmicInX = true });
        foreach (var roles in Roles)
        {
            // Accounts keep the roles they have: what grows is what these are looked up in.
            await target.RunAsync("seed", "--users", "0", "--roles", Figures.Text($"{roles}"), "--password", Target.Password);
            await MeasureAsync(scene, byRoles, roles, bytes: null);
        }

        var byPermissions = report.Add(new Curve("permissions-rate", "Throughput by permissions of each role", "permissions", "requests per second") { IsLogarithmicInX = true });
        var bytes = report.Add(new Curve("permissions-bytes", "An access token by permissions of each role", "permissions", "bytes") { IsLogarithmicInX = true });
        await target.RunAsync("seed", "--users", "0", "--permissions", Figures.Text($"{PermissionsPerRole[^1]}"), "--password", Target.Password);
        foreach (var permissions in PermissionsPerRole)
        {
            // The same in every role, so that an account with two of them holds as many.
            await target.ExecuteAsync(Figures.Text($"""
                INSERT INTO role_permissions (role_id, permission_id)
                SELECT r.id, p.id FROM roles r CROSS JOIN (SELECT id FROM permissions WHERE resource LIKE 'res%' ORDER BY id LIMIT {permissions}) p
                WHERE  r.name IN ('role1', 'role2', 'role3', 'role4', 'role5', 'role6', 'role7', 'role8', 'role9', 'role10')
                ON     CONFLICT DO NOTHING;
                DELETE FROM role_permissions rp USING roles r
                WHERE  r.id = rp.role_id AND r.name LIKE 'role%'
                AND    rp.permission_id NOT IN (SELECT id FROM permissions WHERE resource LIKE 'res%' ORDER BY id LIMIT {permissions})
                """));
            await MeasureAsync(scene, byPermissions, permissions, bytes);
        }
    }

    /// <summary>The node has just been started: without this the first point would be the compiler's.</summary>
    private static async Task WarmAsync(Scene scene)
    {
        var access = await scene.AccessTokensAsync(Sessions);
        await Wrk.RunAsync(scene.Service.Address, "check.lua", Scene.Connections, Scene.SecondsToSteadiness, ("ACCESS", access));
        await ListAsync(scene, access, Scene.SecondsToSteadiness / 3);
    }

    private static Task<WrkResult> ListAsync(Scene scene, string access, int seconds) =>
        Wrk.RunAsync(scene.Service.Address, "get.lua", Scene.Connections, seconds, ("ACCESS", access), ("GET_PATH", "/api/v1/me/permissions"));

    private static async Task MeasureAsync(Scene scene, Curve rates, int size, Curve? bytes)
    {
        // A mint of its own: it reads whom it begins sessions for, and what these may do, when it is made.
        using var mint = await SessionMint.CreateAsync(scene.Target, Users);
        var access = await (scene with { Mint = mint }).AccessTokensAsync(Sessions);
        bytes?.Add("access token", size, (await File.ReadAllLinesAsync(access))[^1].Split(' ')[0].Length);
        var (checks, lists) = (new LoadSeries(), new LoadSeries());
        await Scene.WarmAsync(scene.Service, access, Sessions);
        for (var round = 0; round < Scene.CurveRounds; round++)
        {
            checks.Add(await Wrk.RunAsync(scene.Service.Address, "check.lua", Scene.Connections, Seconds, ("ACCESS", access)));
            lists.Add(await ListAsync(scene, access, Seconds));
        }

        rates.Add("check", size, checks.PerSecond);
        rates.Add("own permissions", size, lists.PerSecond);
    }
}
