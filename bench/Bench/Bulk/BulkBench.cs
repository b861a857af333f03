using System.Diagnostics;
using System.Text;
using AuthService.Client;
using Bench.Http;
using Spectre.Console;
using static Bench.Figures;

namespace Bench.Bulk;

/// <summary>Many accounts at once, into a database that has 100,000: by calls of 10,000, by <c>authservice import</c>, and out again.</summary>
internal static class BulkBench
{
    private const int Rounds = 5;
    private const int CallLength = 10_000;
    private const int FileLength = 20_000;
    private const string Hash = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS";

    public static async Task<int> RunAsync()
    {
        await using var target = await Target.CreateAsync(100_000);
        await using (await target.StartAsync())
        {
        }

        using var mint = await SessionMint.CreateAsync(target, 1);
        var administrator = await mint.AdministratorAsync();
        await using var service = await target.StartAsync();
        var table = new Table().AddColumns("", "accounts per second, median of 5", "least and most");
        var made = new List<long>();
        table.AddRow(Row("bulk, 10,000 made in a call", await RatesAsync(async round =>
        {
            var answer = await BulkAsync(service, administrator, [.. Enumerable.Range(0, CallLength).Select(i => New(round, i))]);
            made.AddRange(answer.Results.Select(r => r.Id!.Value));
            return answer.Created;
        })));
        table.AddRow(Row("bulk, 10,000 changed in a call", await RatesAsync(async round =>
            (await BulkAsync(service, administrator, [.. made.Take(CallLength).Select(id => new BulkUser { Id = id, DisplayName = Text($"Changed {round}") })])).Updated)));
        table.AddRow(Row("one call each (POST /api/v1/users has a hash to make): bulk of 1", await RatesAsync(async round =>
        {
            for (var i = 0; i < 200; i++) await BulkAsync(service, administrator, [New(100 + round, i)]);
            return 200;
        })));
        table.AddRow(Row("import, NDJSON of 20,000", await RatesAsync(round => ImportAsync(target, "ndjson", round))));
        table.AddRow(Row("import, CSV of 20,000", await RatesAsync(round => ImportAsync(target, "csv", 10 + round))));
        foreach (var format in new[] { "ndjson", "csv" }) table.AddRow(Row("export, " + format, await RatesAsync(_ => ExportAsync(service, administrator, format))));
        Tables.Write(table);
        return 0;
    }

    private static async Task<List<double>> RatesAsync(Func<int, Task<long>> action)
    {
        var rates = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            var count = await action(round);
            rates.Add(count / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return rates;
    }

    private static string[] Row(string what, List<double> rates) => [what, Text($"{Median(rates):N0}"), Text($"{rates.Min():N0} to {rates.Max():N0}")];

    private static BulkUser New(int round, int i) => new() { Email = Text($"bulk{round}x{i}@example.org"), Username = Text($"bulk{round}x{i}"), DisplayName = Text($"Bulk {i}") };

    private static async Task<BulkUsersResponse> BulkAsync(ServerProcess service, string token, List<BulkUser> users)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/v1/users/bulk", UriKind.Relative))
        {
            Content = JsonContent.Create(new BulkUsersRequest { Users = users }, WireJson.Default.BulkUsersRequest),
        };
        request.Headers.Authorization = new("Bearer", token);
        using var answer = (await service.Http.SendAsync(request)).EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync(WireJson.Default.BulkUsersResponse))!;
    }

    private static async Task<long> ImportAsync(Target target, string format, int round)
    {
        var file = target.InFolder(Text($"users{round}.{format}"));
        var text = new StringBuilder(format == "csv" ? "email,username,display_name,password_hash\n" : "");
        for (var i = 0; i < FileLength; i++)
        {
            text.Append(format == "csv" ? Text($"import{round}x{i}@example.org,import{round}x{i},Import {i},{Hash}\n")
                : Text($"{{\"email\":\"import{round}x{i}@example.org\",\"username\":\"import{round}x{i}\",\"display_name\":\"Import {i}\",\"password_hash\":\"{Hash}\"}}\n"));
        }

        await File.WriteAllTextAsync(file, text.ToString());
        await target.RunAsync("import", file);
        return FileLength;
    }

    private static async Task<long> ExportAsync(ServerProcess service, string token, string format)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/v1/users/export?format=" + format, UriKind.Relative));
        request.Headers.Authorization = new("Bearer", token);
        using var answer = (await service.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead)).EnsureSuccessStatusCode();
        await using var body = await answer.Content.ReadAsStreamAsync();
        var (buffer, lines) = (new byte[1 << 20], 0L);
        while (await body.ReadAsync(buffer) is > 0 and var count) lines += buffer.AsSpan(0, count).Count((byte)'\n');
        return lines;
    }
}
