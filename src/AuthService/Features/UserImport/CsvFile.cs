using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using AuthService.Features.Users;
using CsvHelper;
using CsvHelper.Configuration;

namespace AuthService.Features.UserImport;

/// <summary>CSV (RFC 4180) with a line of names first, as an export writes it. An empty field is a member that is not there.</summary>
internal static class CsvFile
{
    private static readonly string[] Columns =
        ["id", "email", "username", "display_name", "phone", "avatar_url", "password_hash", "is_active", "email_verified", "created_at", "updated_at", "last_login_at", "roles"];

    public static async IAsyncEnumerable<FileRecord> ReadAsync(Stream file, [EnumeratorCancellation] CancellationToken ct)
    {
        using var text = new StreamReader(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: true, bufferSize: 65_536, leaveOpen: true);
        var isBad = false;
        using var parser = new CsvParser(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            BadDataFound = _ => isBad = true,
            MaxFieldSize = UserFile.LongestRecord,
            IgnoreBlankLines = true,
        });
        if (!await ReadAsync(parser)) yield break;
        var columns = ColumnsOf(parser.Record!);
        // RawRow is the last line of a record, and texts may have several lines.
        for (var line = parser.RawRow + 1L; await ReadAsync(parser); line = parser.RawRow + 1L, isBad = false)
        {
            ct.ThrowIfCancellationRequested();
            yield return isBad || parser.Count != columns.Count ? new FileRecord(line, null, UserFile.NotReadable) : Read(line, parser, columns);
        }
    }

    private static async Task<bool> ReadAsync(CsvParser parser)
    {
        try
        {
            return await parser.ReadAsync();
        }
        catch (Exception e) when (e is CsvHelperException or DecoderFallbackException)
        {
            throw new UserFileException($"At line {parser.RawRow}: no CSV in UTF-8, or a field longer than {UserFile.LongestRecord} characters.");
        }
    }

    private static Dictionary<string, int> ColumnsOf(string[] names)
    {
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (i, name) in names.Index())
        {
            if (!Columns.Contains(name, StringComparer.Ordinal)) throw new UserFileException($"The first line names a column '{name}' that accounts don't have. They have: {string.Join(", ", Columns)}.");
            if (!columns.TryAdd(name, i)) throw new UserFileException($"The first line names the column '{name}' twice.");
        }

        return columns;
    }

    private static FileRecord Read(long line, CsvParser parser, Dictionary<string, int> columns)
    {
        var wrong = default(string);
        var row = new UserRow
        {
            Email = Text("email"),
            Username = Text("username"),
            DisplayName = Text("display_name"),
            Phone = Text("phone"),
            AvatarUrl = Text("avatar_url"),
            PasswordHash = Text("password_hash"),
            IsActive = Flag("is_active", otherwise: true),
            EmailVerified = Flag("email_verified", otherwise: false),
            CreatedAt = Time("created_at"),
            Roles = Text("roles")?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
        };
        return wrong is null ? new FileRecord(line, row, default) : new FileRecord(line, null, UserFile.NotReadable with { Member = wrong });

        string? Text(string name)
        {
            if (!columns.TryGetValue(name, out var i) || parser[i] is not { Length: > 0 } text) return null;
            // An export puts it before what a spreadsheet would take for a formula (csv_text in 0012_user_files.sql).
            return text.Length > 1 && text[0] == '\'' && text[1] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\'' ? text[1..] : text;
        }

        bool Flag(string name, bool otherwise)
        {
            switch (Text(name)?.ToLowerInvariant())
            {
                case null: return otherwise;
                case "true" or "t" or "1": return true;
                case "false" or "f" or "0": return false;
                default: wrong = name; return otherwise;
            }
        }

        DateTimeOffset? Time(string name)
        {
            if (Text(name) is not { } text) return null;
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return time;
            wrong = name;
            return null;
        }
    }
}
