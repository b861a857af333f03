using AuthService.Features.Users;

namespace AuthService.Features.UserImport;

/// <summary>One record of a file: an account, or why it is none.</summary>
/// <param name="Line">Where it begins, from 1.</param>
internal readonly record struct FileRecord(long Line, UserRow? User, RowProblem Problem);

/// <summary>A file of accounts, read record by record; what one of them does wrong is its own affair.</summary>
internal static class UserFile
{
    /// <summary>Longest record, in bytes or characters. More is no file of accounts.</summary>
    public const int LongestRecord = 65_536;

    public static readonly RowProblem NotReadable = new("import.not_readable");

    /// <param name="isCsv">Else NDJSON.</param>
    /// <exception cref="UserFileException">The file as a whole can't be read.</exception>
    public static IAsyncEnumerable<FileRecord> ReadAsync(Stream file, bool isCsv, CancellationToken ct) => isCsv ? CsvFile.ReadAsync(file, ct) : NdjsonFile.ReadAsync(file, ct);
}

/// <summary>A file that is none of accounts. The message is for its owner.</summary>
internal sealed class UserFileException(string message) : IOException(message);
