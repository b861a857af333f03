namespace Bench.Http;

/// <summary>A change of what a role permits, for roles of ever more holders, all of them asked about before: it must not cost more for more.</summary>
internal static class RoleEditPart
{
    private const int Edits = 50;
    private static readonly int[] Holders = [10, 1_000, 100_000];

    public static async Task RunAsync(Scene scene)
    {
        var permission = await scene.Target.ReadAsync<long>("SELECT id FROM permissions WHERE resource = 'res1' AND action = 'read'");
        var roles = new List<long>();
        foreach (var count in Holders) roles.Add(await CreateAsync(scene, count));
        await scene.AskAboutAllAsync();

        var times = Holders.Select(_ => new List<double>()).ToArray();
        for (var edit = -2; edit < Edits; edit++)
        {
            for (var i = 0; i < Holders.Length; i++)
            {
                var put = await scene.TimeMsAsync(scene.Service, HttpMethod.Put, $"/api/v1/roles/{roles[i]}/permissions/{permission}");
                var delete = await scene.TimeMsAsync(scene.Service, HttpMethod.Delete, $"/api/v1/roles/{roles[i]}/permissions/{permission}");
                if (edit >= 0) times[i].AddRange([put, delete]);
            }
        }

        var least = Figures.Median(times[0]);
        for (var i = 0; i < Holders.Length; i++)
        {
            var median = Figures.Median(times[i]);
            scene.Report.Detail(Figures.Text($"change of a role until 2xx, {Holders[i]:N0} holders"), $"p50 {median:F2}, p99 {Figures.Percentile(times[i], 0.99):F2} ms",
                i == 0 ? "" : Figures.Text($"p50 with {Holders[0]} {least:F2} ms"), i == 0 ? "" : Figures.Text($"{median / least:F2}"));
        }
    }

    private static async Task<long> CreateAsync(Scene scene, int holders)
    {
        var role = await scene.Target.ReadAsync<long>($"INSERT INTO roles (name) VALUES ('held-by-{holders}') RETURNING id");
        await scene.Target.ExecuteAsync(Figures.Text($"INSERT INTO user_roles (user_id, role_id) SELECT id, {role} FROM users ORDER BY id LIMIT {holders}"));
        return role;
    }
}
