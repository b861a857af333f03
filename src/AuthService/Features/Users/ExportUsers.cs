using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Sessions;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>
/// All accounts as a stream, one <see cref="ExportedUser"/> a line (NDJSON) or a record (CSV), in the order of their numbers. Read in pieces, each by a statement of its own: memory
/// doesn't grow with the number of accounts, and a client that reads slowly, or not at all, holds no connection to the database. So it is no picture of one
/// moment: each account is as it was when its piece was read, once at most, and there is none that was there all the time and is missing.
/// </summary>
internal sealed class ExportUsers(ReplicaReads reads, Rights rights, LiveSessions sessions, AuditTrail audit)
{
    private const int PieceLength = 1_000;

    private static readonly SqlFile ReadPiece = SqlFile.Beside<ExportUsers>("read_piece");
    private static readonly SqlFile ReadCsvPiece = SqlFile.Beside<ExportUsers>("read_csv_piece");

    /// <returns>False: the caller may not read on, since its session or its right has ended meanwhile. What is written is not all.</returns>
    /// <exception cref="OperationCanceledException">The client has left.</exception>
    public async Task<bool> WriteAsync(Caller caller, ExportFormat format, bool? isActive, Stream output, CancellationToken ct)
    {
        audit.Record(AuditEvent.Of(AuditTypes.ExportRead, caller) with { TargetType = "users" });
        using var piece = new MemoryStream();
        await output.WriteAsync(format.Head, ct);
        for (long last = 0; await reads.RunAsync(db => ReadPieceAsync(db, format, last, isActive, piece, ct)) is { } next; last = next)
        {
            await output.WriteAsync(piece.GetBuffer().AsMemory(0, (int)piece.Length), ct);
            await output.FlushAsync(ct);   // waits for a client that is slow
            if (!await MayReadOnAsync(caller, ct)) return false;
        }

        return true;
    }

    /// <returns>The number of the last account read; null if there was none.</returns>
    private static async Task<long?> ReadPieceAsync(NpgsqlDataSource db, ExportFormat format, long after, bool? isActive, MemoryStream piece, CancellationToken ct)
    {
        piece.SetLength(0);
        await using var command = format.ReadPiece.On(db).With(after).With(isActive).With(PieceLength);
        await using var row = await command.ExecuteReaderAsync(ct);
        await row.ReadAsync(ct);
        if (row.IsDBNull(0)) return null;
        await using var lines = row.GetStream(1);
        await lines.CopyToAsync(piece, ct);
        return row.GetInt64(0);
    }

    private async Task<bool> MayReadOnAsync(Caller caller, CancellationToken ct) =>
        await sessions.FindAsync(caller.SignedInSessionId, ct) is not null && (await rights.OfAsync(caller.SignedInUserId, ct)).Allow(OwnPermissions.UsersRead);

    /// <summary>How accounts are written.</summary>
    /// <param name="Head">What comes before the first.</param>
    internal sealed record ExportFormat(string Name, string ContentType, byte[] Head, SqlFile ReadPiece)
    {
        /// <summary>Complete to the last character.</summary>
        public static readonly ExportFormat Ndjson = new("ndjson", "application/x-ndjson", [], ExportUsers.ReadPiece);

        /// <summary>RFC 4180. For spreadsheets: what they would take for a formula has an apostrophe before it, which an import takes away again.</summary>
        public static readonly ExportFormat Csv = new("csv", "text/csv",
            "id,email,username,display_name,phone,avatar_url,is_active,email_verified,created_at,updated_at,last_login_at,roles\r\n"u8.ToArray(), ReadCsvPiece);

        /// <returns>Null: there is none of this name.</returns>
        public static ExportFormat? Find(string? name) => name switch { null or "ndjson" => Ndjson, "csv" => Csv, _ => null };
    }
}
