using Bench;

// ./dev bench NAME starts this from the repository's root, after a Release build.
return args switch
{
    ["http"] => await HttpBench.RunAsync(),
    ["security"] => await SecurityBench.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("./dev bench http       refresh, check and log-in under wrk; cold start; memory");
    Console.Error.WriteLine("./dev bench security   can log-in and registration be told apart by time?");
    return 2;
}
