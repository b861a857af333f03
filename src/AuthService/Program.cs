using System.CommandLine;
using AuthService.Cli;

var root = new RootCommand("Accounts, sessions, roles and permissions, answered by one service.")
{
    ServeCommand.Create(),
    MigrateCommand.Create(),
    KeysCommand.Create(),
    SeedCommand.Create(),
    ImportCommand.Create(),
    UserCommand.Create(),
    VerifyCommand.Create(),
    CacheCommand.Create(),
    ExplainCommand.Create(),
    AuditCommand.Create(),
    JobsCommand.Create(),
    BenchCommand.Create(),
};

// The default would end the process two seconds after the signal, requests in flight and all. How long stopping may take is
// Http:ShutdownTimeout, at most five minutes; this only has to be longer.
var invocation = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(10) };
return await root.Parse(args).InvokeAsync(invocation);
