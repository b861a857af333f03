using System.Buffers;
using System.Text.Json;
using AuthService.Audit;
using AuthService.Client;
using AuthService.Database;
using AuthService.Features.Authorization;
using AuthService.Features.Sessions;
using AuthService.Http;
using Npgsql;

namespace AuthService.Features.Users;

/// <summary>
/// All accounts as a stream, one JSON object a line (NDJSON), in the order of their numbers. Read in pieces, each by a statement of its own: memory doesn't grow
/// with the number of accounts, and a client that reads slowly, or not at all, holds no connection to the database. So it is no picture of one moment: each
/// account is as it was when its piece was read, once at most, and there is none that was there all the time and is missing.
/// </summary>
internal sealed class ExportUsers(ReplicaReads reads, Rights rights, LiveSessions sessions, AuditTrail audit)
{
    public const string ContentType = "application/x-ndjson";

    private const int PieceLength = 1_000;

    private static readonly SqlFile FindUsers = SqlFile.Beside<ExportUsers>("find_users");
    private static readonly byte[] LineEnd = "\n"u8.ToArray();

    /// <returns>False: the caller may not read on, since its session or its right has ended meanwhile. What is written is not all.</returns>
    /// <exception cref="OperationCanceledException">The client has left.</exception>
    public async Task<bool> WriteAsync(Caller caller, bool? isActive, Stream output, CancellationToken ct)
    {
        audit.Record(AuditEvent.Of(AuditTypes.ExportRead, caller) with { TargetType = "users" });
        var piece = new ArrayBufferWriter<byte>(256 << 10);
        await using var json = new Utf8JsonWriter(piece);
        for (long last = 0; await reads.RunAsync(db => ReadPieceAsync(db, last, isActive, piece, json, ct)) is { } next; last = next)
        {
            await output.WriteAsync(piece.WrittenMemory, ct);
            await output.FlushAsync(ct);   // waits for a client that is slow
            if (!await MayReadOnAsync(caller, ct)) return false;
        }

        return true;
    }

    /// <returns>The number of the last account read; null if there was none.</returns>
    private static async Task<long?> ReadPieceAsync(NpgsqlDataSource db, long after, bool? isActive, ArrayBufferWriter<byte> piece, Utf8JsonWriter json, CancellationToken ct)
    {
        piece.ResetWrittenCount();
        long? last = null;
        await using var command = FindUsers.On(db).With(after).With(isActive).With(PieceLength);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            last = row.GetInt64(0);
            JsonSerializer.Serialize(json, Read(row), WireJson.Default.ExportedUser);
            json.Reset();
            piece.Write(LineEnd);
        }

        return last;
    }

    private async Task<bool> MayReadOnAsync(Caller caller, CancellationToken ct) =>
        await sessions.FindAsync(caller.SignedInSessionId, ct) is not null && (await rights.OfAsync(caller.SignedInUserId, ct)).Allow(OwnPermissions.UsersRead);

    private static ExportedUser Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(0),
        Email = row.GetString(1),
        Username = row.GetString(2),
        DisplayName = row.IsDBNull(3) ? null : row.GetString(3),
        Phone = row.IsDBNull(4) ? null : row.GetString(4),
        AvatarUrl = row.IsDBNull(5) ? null : row.GetString(5),
        IsActive = row.GetBoolean(6),
        EmailVerified = row.GetBoolean(7),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(8),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(9),
        LastLoginAt = row.IsDBNull(10) ? null : row.GetFieldValue<DateTimeOffset>(10),
        Roles = row.GetFieldValue<string[]>(11),
    };
}
