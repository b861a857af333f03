using System.Globalization;
using System.Text.RegularExpressions;

namespace AuthService.Database.PrivateServer;

/// <summary>
/// The account that owns the cluster and runs its server: ours, or, since PostgreSQL refuses to run as root, an unprivileged one.
/// </summary>
/// <remarks>
/// Asks <c>id</c>, <c>ls</c>, <c>chown</c>, <c>test</c> and <c>setpriv</c> instead of libc: the layouts of <c>struct stat</c> and
/// <c>struct passwd</c> differ between systems, what POSIX lets these programs print does not. 1 to 2 ms each.
/// </remarks>
internal sealed partial record ServerAccount(int UserId, int GroupId)
{
    private static readonly string[] Candidates = ["postgres", "nobody"];

    /// <summary>Whether its programs need another account than ours.</summary>
    private bool IsOther { get; init; }

    /// <param name="cluster">A cluster that exists keeps its owner, so one made before by an ordinary user also runs under root.</param>
    /// <param name="ct">Ends the search.</param>
    /// <exception cref="PrivatePostgresException">The cluster is another user's, or there is no account to run it.</exception>
    public static async Task<ServerAccount> ForAsync(string cluster, CancellationToken ct)
    {
        var owner = Directory.Exists(cluster) ? await OwnerAsync(cluster, ct) : null;
        if (!Environment.IsPrivilegedProcess)
        {
            var self = await FindAsync(null, ct) ?? throw new PrivatePostgresException("'id' does not tell who runs this process.");
            if (owner is not null && owner.UserId != self.UserId)
                throw new PrivatePostgresException(
                    $"The cluster in {cluster} belongs to user id {owner.UserId}, this process runs as {self.UserId}. " +
                    "Start as its owner or as root, or give it to this account with chown -R.");
            return self;
        }

        if (owner is { UserId: not 0 }) return new ServerAccount(owner.UserId, owner.GroupId) { IsOther = true };
        foreach (var name in Candidates)
        {
            if (await FindAsync(name, ct) is { UserId: not 0 } found) return found with { IsOther = true };
        }

        throw new PrivatePostgresException(
            "PostgreSQL does not run as root, and there is neither an account 'postgres' nor 'nobody' to run it. " +
            "Start the service as an ordinary user, or create an account 'postgres'.");
    }

    /// <summary>Who owns a file or folder and how it may be used; the link itself, where it is one. Null when it does not exist.</summary>
    public static async Task<FileOwner?> OwnerAsync(string path, CancellationToken ct)
    {
        var listed = await ChildProgram.RunAsync("ls", ["-ldn", "--", path], "/", ct);
        if (!listed.Succeeded) return null;
        var fields = listed.Output.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries);
        // Behind the ten characters POSIX names, a sign may say that there are an ACL or a security context.
        return new FileOwner(fields[0][..10], Number(fields[2]), Number(fields[3]));
    }

    public Task<ProgramResult> RunAsync(string program, IEnumerable<string> arguments, string folder, CancellationToken ct) =>
        IsOther
            ? ChildProgram.RunAsync(
                "setpriv", [$"--reuid={UserId}", $"--regid={GroupId}", "--clear-groups", "--", program, .. arguments], folder, ct)
            : ChildProgram.RunAsync(program, arguments, folder, ct);

    /// <summary>Gives a file or folder that root has just created to the account.</summary>
    public async Task TakeOwnershipAsync(string path, CancellationToken ct)
    {
        if (!IsOther) return;
        var changed = await ChildProgram.RunAsync("chown", ["-h", $"{UserId}:{GroupId}", "--", path], "/", ct);
        if (!changed.Succeeded) throw new PrivatePostgresException($"Can't give {path} to user id {UserId}: {changed.Said}");
    }

    /// <summary>Whether the account may pass through a folder and everything above it.</summary>
    public async Task<bool> ReachesAsync(string folder, CancellationToken ct) =>
        !IsOther || (await RunAsync("test", ["-x", folder], "/", ct)).Succeeded;

    private static async Task<ServerAccount?> FindAsync(string? name, CancellationToken ct)
    {
        var known = await ChildProgram.RunAsync("id", name is null ? [] : [name], "/", ct);
        var ids = Ids().Match(known.Output);
        return known.Succeeded && ids.Success ? new ServerAccount(Number(ids.Groups["uid"].Value), Number(ids.Groups["gid"].Value)) : null;
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^uid=(?<uid>\d+)\S* gid=(?<gid>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Ids();
}

/// <param name="Mode">As <c>ls -l</c> shows it, ten characters: <c>drwx------</c>.</param>
/// <param name="UserId">Numeric id of the owner.</param>
/// <param name="GroupId">Numeric id of the group.</param>
internal sealed record FileOwner(string Mode, int UserId, int GroupId);
