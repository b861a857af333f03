using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AuthService.Database;

/// <summary>One numbered SQL file. Once released it never changes again; its checksum says so.</summary>
/// <param name="Version">The number its name starts with; the order in which files are applied.</param>
/// <param name="Name">File name without extension, such as <c>0001_users</c>.</param>
/// <param name="Sql">One or more statements that can run in a transaction.</param>
internal sealed record Migration(int Version, string Name, string Sql)
{
    private const string Folder = "Database/Migrations/";

    /// <summary>SHA-256 of the text with LF line ends: a checkout that converts them has not changed a migration.</summary>
    public byte[] Checksum { get; } = SHA256.HashData(Encoding.UTF8.GetBytes(Sql.ReplaceLineEndings("\n")));

    /// <summary>Every migration this binary brings, in order.</summary>
    public static IReadOnlyList<Migration> Embedded { get; } = InOrder(
        from resource in typeof(Migration).Assembly.GetManifestResourceNames()
        where resource.StartsWith(Folder, StringComparison.Ordinal)
        select Of(Path.GetFileNameWithoutExtension(resource), SqlFile.Read(resource).Text));

    /// <param name="name"><c>NNNN_words</c>.</param>
    /// <param name="sql">The text of the file.</param>
    /// <exception cref="FormatException"><paramref name="name"/> does not start with four digits and an underscore.</exception>
    public static Migration Of(string name, string sql) =>
        name.Length > 5 && name[4] == '_' && int.TryParse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? new Migration(version, name, sql)
            : throw new FormatException($"'{name}' is no name of a migration: four digits, '_', words.");

    private static Migration[] InOrder(IEnumerable<Migration> migrations)
    {
        var ordered = migrations.OrderBy(m => m.Version).ToArray();
        foreach (var (first, second) in ordered.Zip(ordered.Skip(1)))
        {
            if (first.Version == second.Version) throw new FormatException($"Two migrations have one number: {first.Name}, {second.Name}.");
        }

        return ordered;
    }
}

/// <summary>Why the database can't be brought to this binary's version. The message is meant for the operator.</summary>
internal sealed class MigrationException(string message, Exception? cause = null) : Exception(message, cause);
