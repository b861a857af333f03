using System.Globalization;
using Bench;
using Bench.Authorization;
using Bench.Http;
using Bench.Lists;
using Bench.Redis;
using Bench.SolidCache;

// ./dev bench NAME starts this from the repository's root, after a Release build.
return args switch
{
    ["http", .. var parts] when parts.All(HttpBench.Names.Contains) => await HttpBench.RunAsync(parts),
    ["lists"] => await ListsBench.RunAsync(),
    ["redis"] => await RedisBench.RunAsync(),
    ["rights", .. var sizes] when sizes.All(s => int.TryParse(s, CultureInfo.InvariantCulture, out var users) && users > 0) => await RightsBench.RunAsync(sizes),
    ["security"] => await SecurityBench.RunAsync(),
    ["solidcache"] => await SolidCacheBench.RunAsync(null),
    ["solidcache", "speed" or "batches" or "cluster" or "churn"] => await SolidCacheBench.RunAsync(args[1]),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine($"./dev bench http [{string.Join('|', HttpBench.Names)}]…");
    Console.Error.WriteLine("                       the service under load beside what one would use instead, and what is to be reached");
    Console.Error.WriteLine("./dev bench lists      the list of accounts and its export, at three sizes");
    Console.Error.WriteLine("./dev bench redis      our connection to Redis beside redis-benchmark");
    Console.Error.WriteLine("./dev bench rights [ACCOUNTS]…");
    Console.Error.WriteLine("                       one permission check in process: time and bytes, by accounts and roles");
    Console.Error.WriteLine("./dev bench security   can log-in and registration be told apart by time?");
    Console.Error.WriteLine("./dev bench solidcache [speed|batches|cluster|churn]");
    Console.Error.WriteLine("                       the cache beside Npgsql, Microsoft's statements and MemoryCache");
    return 2;
}
