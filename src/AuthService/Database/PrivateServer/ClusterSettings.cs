using System.Text;

namespace AuthService.Database.PrivateServer;

/// <summary>The server settings we decide, as text for <c>postgres.conf</c>: those of production, and where and how this server listens and logs.</summary>
internal static class ClusterSettings
{
    /// <param name="socketFolder">The only place the server listens.</param>
    /// <param name="withStatements">Whether pg_stat_statements is installed; a server told to load what is missing does not start.</param>
    /// <param name="overrides">Added to the settings or put in place of them.</param>
    public static string Write(string socketFolder, bool withStatements, IReadOnlyDictionary<string, string> overrides)
    {
        var settings = new SortedDictionary<string, string>(ProductionSettings.All.ToDictionary(s => s.Name, s => s.Value, StringComparer.Ordinal), StringComparer.Ordinal)
        {
            ["listen_addresses"] = "",
            ["port"] = "5432",   // names the socket; nothing listens on TCP
            ["unix_socket_directories"] = socketFolder,
            ["unix_socket_permissions"] = "0700",
            ["cluster_name"] = "authservice",
            ["timezone"] = "UTC",
            // One file a weekday, overwritten a week later: the log can't grow without end.
            ["logging_collector"] = "on",
            ["log_directory"] = "log",
            ["log_filename"] = "%a.log",
            ["log_truncate_on_rotation"] = "on",
            ["log_rotation_age"] = "1d",
            ["log_rotation_size"] = "0",
            ["log_line_prefix"] = "%m [%p] %a ",
            ["log_timezone"] = "UTC",
            ["log_checkpoints"] = "off",
        };
        if (!withStatements) settings.Remove("shared_preload_libraries");
        foreach (var (name, value) in overrides) settings[name] = value;

        var text = new StringBuilder()
            .Append("# Written by authservice at every start. Settings of your own: ALTER SYSTEM, which wins over this file.\n");
        foreach (var (name, value) in settings)
            text.Append(name).Append(" = '").Append(value.Replace("'", "''", StringComparison.Ordinal)).Append("'\n");
        return text.ToString();
    }
}
