using Bench;
using Bench.SolidCache;

// ./dev bench NAME starts this from the repository's root, after a Release build.
return args switch
{
    ["http"] => await HttpBench.RunAsync(),
    ["security"] => await SecurityBench.RunAsync(),
    ["solidcache"] => await SolidCacheBench.RunAsync(null),
    ["solidcache", "speed" or "batches" or "cluster" or "churn"] => await SolidCacheBench.RunAsync(args[1]),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("./dev bench http       refresh, check and log-in under wrk; cold start; memory");
    Console.Error.WriteLine("./dev bench security   can log-in and registration be told apart by time?");
    Console.Error.WriteLine("./dev bench solidcache [speed|batches|cluster|churn]   the cache beside Npgsql, Microsoft's statements and MemoryCache");
    return 2;
}
