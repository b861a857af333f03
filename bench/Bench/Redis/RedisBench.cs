using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Bench.Peers;
using Microsoft.Extensions.Logging.Abstractions;
using SolidCache.Redis.Resp;
using Spectre.Console;

namespace Bench.Redis;

/// <summary>
/// Our connection to Redis beside <c>redis-benchmark</c>, which is written in C and has a connection for each caller: values of 400 bytes, one command
/// a caller at a time, in turn, medians of five.
/// </summary>
internal static class RedisBench
{
    private const int Keys = 10_000;
    private const int ValueBytes = 400;
    private static readonly int[] Callers = [1, 64, 512];

    public static async Task<int> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("redis-bench-");
        await using var server = await RedisServer.StartAsync(folder.FullName) ?? throw new InvalidOperationException("Redis is not installed: apt-get install redis-tools.");
        await using var client = new RedisClient(RedisSettings.Parse(server.Url), TimeProvider.System, NullLogger.Instance);
        client.Start();
        if (!await client.WaitUntilConnectedAsync(TimeSpan.FromSeconds(10), CancellationToken.None)) throw new InvalidOperationException(client.Statistics.LastFailure);
        var keys = Enumerable.Range(0, Keys).Select(i => Figures.Text($"key:{i:D12}")).ToArray();
        var value = RandomNumberGenerator.GetBytes(ValueBytes);
        foreach (var slice in keys.Chunk(500)) await Task.WhenAll(slice.Select(key => client.SetAsync(key, value, TimeSpan.FromHours(1), CancellationToken.None).AsTask()));

        var table = new Table().AddColumns("command", "callers", "redis-benchmark per second", "ours per second", "ratio", "B allocated (400 are the value's)");
        foreach (var callers in Callers)
        {
            await AddAsync("GET", callers, new Contender("GET", callers, i => Drop(client.GetAsync(keys[Index(i)], CancellationToken.None))));
            await AddAsync("SET", callers, new Contender("SET", callers, i => Drop(client.SetAsync(keys[Index(i)], value, TimeSpan.FromHours(1), CancellationToken.None))));
        }

        AnsiConsole.Write(table);
        var statistics = client.Statistics;
        AnsiConsole.WriteLine(Figures.Text($"{statistics.Commands:N0} commands, {statistics.TimeOuts} without a reply in time, {statistics.Reconnects} reconnects"));
        folder.Delete(recursive: true);
        return 0;

        async Task AddAsync(string command, int callers, Contender ours)
        {
            var (theirs, rates, bytes) = (new List<double>(), new List<double>(), new List<double>());
            await SideBySide.RoundAsync(ours);
            for (var round = 0; round < SideBySide.Rounds; round++)
            {
                theirs.Add(await RedisBenchmarkAsync(server.Url, command, callers));
                var (rate, allocated) = await SideBySide.RoundAsync(ours);
                rates.Add(rate);
                bytes.Add(allocated);
            }

            var (there, here) = (Figures.Median(theirs), Figures.Median(rates));
            table.AddRow(command, Figures.Text($"{callers}"), Figures.Text($"{there:N0}"), Figures.Text($"{here:N0}"), Figures.Text($"{here / there:F2}"), Figures.Text($"{Figures.Median(bytes):N0}"));
        }
    }

    private static int Index(int i) => (int)(unchecked((uint)(i * 7919)) % Keys);

    // A Task would be an allocation of the bench's own.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Drop<T>(ValueTask<T> call) => await call;

    private static async Task<double> RedisBenchmarkAsync(string url, string command, int callers)
    {
        var port = new Uri(url).Port;
        var requests = callers == 1 ? 20_000 : 150_000;
        var start = new ProcessStartInfo("redis-benchmark") { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in new[] { "-h", "127.0.0.1", "-p", Number(port), "-t", command.ToLowerInvariant(), "-c", Number(callers), "-n", Number(requests), "-P", "1", "-d", Number(ValueBytes), "-r", Number(Keys), "--csv" })
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        // "GET","123456.78",…
        var line = output.Split('\n').First(l => l.StartsWith($"\"{command}\"", StringComparison.Ordinal));
        return double.Parse(line.Split(',')[1].Trim('"'), CultureInfo.InvariantCulture);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
