using System.Security.Cryptography;
using System.Threading.Channels;
using AuthService.Audit;
using AuthService.Caching;
using AuthService.Database;
using AuthService.Features.Roles;
using AuthService.Features.Users;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.UserImport;

/// <summary>How far an import has come.</summary>
/// <param name="Records">Looked at, in all runs together.</param>
internal readonly record struct ImportProgress(long Records, long Stored, long Refused);

/// <summary>
/// Makes an account of each record of a file, a thousand in a transaction, and remembers in the same transaction how far it is: broken off at any moment and
/// begun again it goes on where it was, and stores nothing twice. What is wrong with a record is told, and keeps no other out.
/// </summary>
internal sealed class ImportUsers(NpgsqlDataSource db, Changes changes)
{
    private const int MostRoles = 100_000;
    private const int BatchesAhead = 2;   // read while others are stored

    private static readonly RowProblem RoleNotFound = new(RolesProblems.NotFound.Code, "roles");
    private static readonly SqlFile Begin = SqlFile.Beside<ImportUsers>("begin");
    private static readonly SqlFile Advance = SqlFile.Beside<ImportUsers>("advance");
    private static readonly SqlFile Finish = SqlFile.Beside<ImportUsers>("finish");
    private static readonly SqlFile ListRoles = SqlFile.Beside<ImportUsers>("list_roles");

    /// <param name="file">Read twice: first to be known again.</param>
    /// <param name="isCsv">Else NDJSON.</param>
    /// <param name="again">From its beginning, also where it was imported before.</param>
    /// <param name="progress">Called after each transaction.</param>
    /// <param name="refused">Called for each record that was not stored, once its transaction is through.</param>
    /// <exception cref="UserFileException">The file can't be read on, or somebody else imports it too. What was told is stored.</exception>
    public async Task<ImportProgress> ExecuteAsync(
        Stream file, bool isCsv, bool again, Action<ImportProgress> progress, Action<long, RowProblem> refused, CancellationToken ct)
    {
        var hash = await SHA256.HashDataAsync(file, ct);
        file.Position = 0;
        var (done, isFinished) = await BeginAsync(hash, again, ct);
        progress(done);
        if (isFinished) return done;

        var roles = await RolesAsync(ct);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var batches = Channel.CreateBounded<List<FileRecord>>(BatchesAhead);
        var reader = ReadAsync(UserFile.ReadAsync(file, isCsv, reading.Token), done.Records, batches.Writer, reading.Token);
        try
        {
            await foreach (var batch in batches.Reader.ReadAllAsync(ct))
            {
                var problems = await StoreAsync(hash, done, batch, roles, ct);
                done = new ImportProgress(done.Records + batch.Count, done.Stored + batch.Count - problems.Count, done.Refused + problems.Count);
                foreach (var (line, problem) in problems) refused(line, problem);
                progress(done);
            }
        }
        finally
        {
            await reading.CancelAsync();
            await reader.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // its failure comes out of the channel
        }

        await FinishAsync(hash, done, ct);
        return done;
    }

    private static async Task ReadAsync(IAsyncEnumerable<FileRecord> records, long skip, ChannelWriter<List<FileRecord>> batches, CancellationToken ct)
    {
        try
        {
            var batch = new List<FileRecord>(AddUsers.MostRows);
            var n = 0L;
            await foreach (var record in records.WithCancellation(ct))
            {
                if (n++ < skip) continue;
                // Of its form, here: beside the storing of those before.
                batch.Add(record.User?.Check() is { } wrong ? new FileRecord(record.Line, null, wrong) : record);
                if (batch.Count < AddUsers.MostRows) continue;
                await batches.WriteAsync(batch, ct);
                batch = new List<FileRecord>(AddUsers.MostRows);
            }

            if (batch.Count > 0) await batches.WriteAsync(batch, ct);
            batches.Complete();
        }
        catch (Exception e)
        {
            batches.Complete(e);
            throw;
        }
    }

    /// <returns>The records that were not stored.</returns>
    private async Task<List<(long Line, RowProblem Problem)>> StoreAsync(byte[] hash, ImportProgress from, List<FileRecord> batch, HashSet<string> roles, CancellationToken ct)
    {
        var outcome = await changes.RunAsync<List<(long, RowProblem)>>(Caller.CommandLine, [], async transaction =>
        {
            var problems = new List<(long Line, RowProblem Problem)>();
            var (rows, lines) = (new List<UserRow>(batch.Count), new List<long>(batch.Count));
            foreach (var record in batch)
            {
                if (record.User is not { } user) { problems.Add((record.Line, record.Problem)); continue; }
                if (user.Roles.Count == 0) user = user with { Roles = [SystemRoles.Everyone] };
                if (!user.Roles.All(roles.Contains)) { problems.Add((record.Line, RoleNotFound)); continue; }
                rows.Add(user);
                lines.Add(record.Line);
            }

            if (rows.Count > 0)
            {
                var added = await AddUsers.ExecuteAsync(transaction, rows, grantedBy: null, ct);
                for (var i = 0; i < added.Length; i++) if (added[i].Id is null) problems.Add((lines[i], added[i].Problem));
            }

            var stored = batch.Count - problems.Count;
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.UserCreated, Caller.CommandLine) with
            {
                TargetType = "users",
                Reason = $"import of {stored} accounts",
            }, ct);
            await using var advance = Advance.On(transaction).With(hash).With(from.Records).With(from.Records + batch.Count).With((long)stored).With((long)problems.Count);
            if (await advance.ExecuteScalarAsync(ct) is null) throw new UserFileException("Somebody else imports this file at the moment.");
            problems.Sort(static (a, b) => a.Line.CompareTo(b.Line));
            return problems;
        }, ct);
        return outcome.Failed(out var problem, out var found) ? throw new InvalidOperationException(problem.Title) : found;
    }

    private async Task<(ImportProgress Done, bool IsFinished)> BeginAsync(byte[] hash, bool again, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        ImportProgress done;
        bool isFinished;
        await using (var command = Begin.On(transaction).With(hash).With(again))
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            await row.ReadAsync(ct);
            (done, isFinished) = (new ImportProgress(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), row.GetBoolean(3));
        }

        if (!isFinished) await AuditTrail.AppendAsync(transaction, EventOf(AuditTypes.ImportStarted, hash) with { Reason = done.Records == 0 ? null : $"after {done.Records} records" }, ct);
        await transaction.CommitAsync(ct);
        return (done, isFinished);
    }

    private async Task FinishAsync(byte[] hash, ImportProgress done, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var finish = Finish.On(transaction).With(hash)) await finish.ExecuteNonQueryAsync(ct);
        await AuditTrail.AppendAsync(transaction, EventOf(AuditTypes.ImportFinished, hash) with { Reason = $"{done.Stored} accounts, {done.Refused} refused" }, ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>The file is told by the beginning of its hash.</summary>
    private static AuditEvent EventOf(string type, byte[] hash) => AuditEvent.Of(type, Caller.CommandLine) with { TargetType = "file", TargetId = Convert.ToHexStringLower(hash.AsSpan(0, 8)) };

    private async Task<HashSet<string>> RolesAsync(CancellationToken ct)
    {
        await using var command = ListRoles.On(db).With(MostRoles);
        await using var row = await command.ExecuteReaderAsync(ct);
        var roles = new HashSet<string>(StringComparer.Ordinal);
        while (await row.ReadAsync(ct)) roles.Add(row.GetString(0));
        return roles;
    }
}
