using System.Globalization;
using Bench;
using Bench.Audit;
using Bench.Authorization;
using Bench.Bulk;
using Bench.Events;
using Bench.Http;
using Bench.Lists;
using Bench.Locust;
using Bench.Mail;
using Bench.Redis;
using Bench.Soak;
using Bench.SolidCache;
using Bench.Suite;

// ./dev bench NAME starts this from the repository's root, after a Release build.
return args switch
{
    [] => await BenchSuite.RunAsync(),
    ["http", .. var parts] when parts.All(HttpBench.Names.Contains) => await HttpBench.RunAsync(parts),
    ["audit"] => await AuditBench.RunAsync(),
    ["bulk"] => await BulkBench.RunAsync(),
    ["events"] => await EventsBench.RunAsync(),
    ["lists"] => await ListsBench.RunAsync(),
    ["locust"] => await LocustBench.RunAsync(),
    ["mail"] => await MailBench.RunAsync(),
    ["middleware"] => await MiddlewareBench.RunAsync(),
    ["redis"] => await RedisBench.RunAsync(),
    ["rights", .. var sizes] when sizes.All(s => int.TryParse(s, CultureInfo.InvariantCulture, out var users) && users > 0) => await RightsBench.RunAsync(sizes),
    ["security"] => await SecurityBench.RunAsync(),
    ["soak", .. var numbers] => await SoakRun.RunAsync(numbers),   // ./dev load soak
    ["solidcache"] => await SolidCacheBench.RunAsync(null),
    ["solidcache", "speed" or "batches" or "cluster" or "churn"] => await SolidCacheBench.RunAsync(args[1]),
    ["help"] => Usage(0),
    _ => Usage(2),
};

static int Usage(int exitCode)
{
    Console.Error.WriteLine("./dev bench            how fast the service is, beside what one would use instead, how that grows, and what its parts gain: bench/results");
    Console.Error.WriteLine($"./dev bench http [{string.Join('|', HttpBench.Names)}]…");
    Console.Error.WriteLine("                       the service under load beside what one would use instead, and what is to be reached");
    Console.Error.WriteLine("./dev bench audit      the seals of the audit trail: how many, how late, and what it takes to check them");
    Console.Error.WriteLine("./dev bench bulk       accounts made, changed, imported and exported by the thousand");
    Console.Error.WriteLine("./dev bench events     streams of changes: memory of each, and how soon it is told");
    Console.Error.WriteLine("./dev bench lists      the list of accounts and its export, at three sizes");
    Console.Error.WriteLine("./dev bench locust     people who sign in and refresh, at two sizes of the pool; then a pool that is exhausted");
    Console.Error.WriteLine("./dev bench mail       does a client notice how the mail server is: up, down, hanging?");
    Console.Error.WriteLine("./dev bench micro [FILTER]…, ./dev bench allocations [--keep]");
    Console.Error.WriteLine("                       time and bytes of single operations, layer by layer; the bytes held to a baseline");
    Console.Error.WriteLine("./dev bench middleware what logging, validating and timing cost a request: time and bytes");
    Console.Error.WriteLine("./dev bench redis      our connection to Redis beside redis-benchmark");
    Console.Error.WriteLine("./dev bench rights [ACCOUNTS]…");
    Console.Error.WriteLine("                       one permission check in process: time and bytes, by accounts and roles");
    Console.Error.WriteLine("./dev bench security   can log-in and registration be told apart by time?");
    Console.Error.WriteLine("./dev bench solidcache [speed|batches|cluster|churn]");
    Console.Error.WriteLine("                       the cache beside Npgsql, Microsoft's statements and MemoryCache");
    return exitCode;
}
