using System.CommandLine;
using AuthService.Cli;

var root = new RootCommand("Accounts, sessions, roles and permissions, answered by one service.")
{
    ServeCommand.Create(),
    MigrateCommand.Create(),
    KeysCommand.Create(),
    SeedCommand.Create(),
    UserCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
