using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using AuthService.Features.Users;

namespace AuthService.Features.UserImport;

/// <summary>A JSON object a line, as an export writes them. Empty lines are passed over.</summary>
internal static class NdjsonFile
{
    public static async IAsyncEnumerable<FileRecord> ReadAsync(Stream file, [EnumeratorCancellation] CancellationToken ct)
    {
        var reader = PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: UserFile.LongestRecord, leaveOpen: true));
        var line = 0L;
        while (true)
        {
            var read = await reader.ReadAsync(ct);
            var rest = read.Buffer;
            while (TryCut(ref rest, read.IsCompleted, out var text))
            {
                line++;
                if (line == 1 && StartsWithMark(text)) text = text.Slice(3);
                if (!IsEmpty(text)) yield return Read(line, text);
            }

            if (rest.Length > UserFile.LongestRecord) throw new UserFileException($"Line {line + 1} is longer than {UserFile.LongestRecord} bytes.");
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted) break;
        }

        await reader.CompleteAsync();
    }

    private static bool TryCut(ref ReadOnlySequence<byte> rest, bool isLast, out ReadOnlySequence<byte> text)
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            text = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return true;
        }

        text = rest;
        if (!isLast || rest.IsEmpty) return false;
        rest = rest.Slice(rest.End);
        return true;
    }

    private static FileRecord Read(long line, ReadOnlySequence<byte> text)
    {
        try
        {
            var reader = new Utf8JsonReader(text);
            if (JsonSerializer.Deserialize(ref reader, ImportJson.Default.ImportedUser) is not { } user || reader.BytesConsumed < text.Length && !IsEmpty(text.Slice(reader.Position)))
                return new FileRecord(line, null, UserFile.NotReadable);
            return new FileRecord(line, user.ToRow(), default);
        }
        catch (JsonException e)
        {
            return new FileRecord(line, null, UserFile.NotReadable with { Member = e.Path is null or "$" ? null : e.Path.TrimStart('$', '.') });
        }
    }

    private static bool IsEmpty(in ReadOnlySequence<byte> text)
    {
        foreach (var part in text) if (part.Span.ContainsAnyExcept(" \t\r\n"u8)) return false;
        return true;
    }

    private static bool StartsWithMark(in ReadOnlySequence<byte> text) => new SequenceReader<byte>(text).IsNext([0xEF, 0xBB, 0xBF]);
}

/// <summary>A line: what an export has of an account, and the hash of its password. Number and times of changes are this installation's to give.</summary>
internal sealed record ImportedUser
{
    public long? Id { get; init; }
    public string? Email { get; init; }
    public string? Username { get; init; }
    public string? DisplayName { get; init; }
    public string? Phone { get; init; }
    public string? AvatarUrl { get; init; }
    public string? PasswordHash { get; init; }
    public bool? IsActive { get; init; }   // absent: true. An initializer would not survive the serializer
    public bool EmailVerified { get; init; }
    public DateTimeOffset? CreatedAt { get; init; }
    public DateTimeOffset? UpdatedAt { get; init; }
    public DateTimeOffset? LastLoginAt { get; init; }
    public IReadOnlyList<string>? Roles { get; init; }

    public UserRow ToRow() => new()
    {
        Email = Email,
        Username = Username,
        DisplayName = DisplayName,
        Phone = Phone,
        AvatarUrl = AvatarUrl,
        PasswordHash = string.IsNullOrEmpty(PasswordHash) ? null : PasswordHash,
        IsActive = IsActive ?? true,
        EmailVerified = EmailVerified,
        CreatedAt = CreatedAt,
        Roles = Roles ?? [],
    };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, MaxDepth = 4)]
[JsonSerializable(typeof(ImportedUser))]
internal sealed partial class ImportJson : JsonSerializerContext;
