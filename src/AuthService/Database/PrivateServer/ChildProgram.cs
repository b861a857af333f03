using System.Diagnostics;

namespace AuthService.Database.PrivateServer;

/// <summary>Runs a program to its end and keeps what it said.</summary>
internal static class ChildProgram
{
    /// <summary>
    /// All a child gets of our environment. Not PGPORT or PGDATA, which would steer the server elsewhere; not NOTIFY_SOCKET, over
    /// which it would report ready in our name; and none of the service's secrets.
    /// </summary>
    private static readonly string[] Inherited = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

    /// <param name="file">A path, or a name looked up in PATH.</param>
    /// <param name="arguments">Passed as they are; no shell sees them.</param>
    /// <param name="folder">The working directory.</param>
    /// <param name="ct">Kills the program.</param>
    /// <exception cref="PrivatePostgresException">The program can't be run at all.</exception>
    public static async Task<ProgramResult> RunAsync(string file, IEnumerable<string> arguments, string folder, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value) start.Environment[name] = value;
        }

        start.Environment["LC_ALL"] = "C";   // output is parsed

        using var process = Start(start);
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var errors = process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return new ProgramResult(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new PrivatePostgresException($"Can't run {start.FileName} in {start.WorkingDirectory}: {e.Message}", e);
        }
    }
}

internal sealed record ProgramResult(int ExitCode, string Output, string Errors)
{
    public bool Succeeded => ExitCode == 0;

    /// <summary>Both streams, for a message.</summary>
    public string Said => $"{Output}{Errors}".Trim();
}
