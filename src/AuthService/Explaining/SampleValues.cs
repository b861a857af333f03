using System.Diagnostics.CodeAnalysis;
using AuthService.Database;
using Npgsql;

namespace AuthService.Explaining;

/// <summary>Values to explain statements with, found by the names of their parameters.</summary>
internal sealed class SampleValues
{
    private static readonly SqlFile Draw = SqlFile.Beside<SampleValues>("draw");

    private readonly Dictionary<string, string?> _values = new(StringComparer.Ordinal);

    private SampleValues()
    {
    }

    /// <summary>One statement; reads no more than some rows of each table.</summary>
    public static async Task<SampleValues> DrawAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var values = new SampleValues();
        await using var command = Draw.On(connection);
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct)) values._values.Add(row.GetString(0), row.IsDBNull(1) ? null : row.GetString(1));
        return values;
    }

    /// <summary>The values in order, as text; or the first parameter that has none.</summary>
    public bool TryGet(OwnStatement statement, out IReadOnlyList<string?> values, [NotNullWhen(false)] out OwnParameter? without)
    {
        var found = new List<string?>();
        foreach (var parameter in statement.Parameters)
        {
            if (!TryGet(statement.Name, parameter.Name, out var value))
            {
                (values, without) = ([], parameter);
                return false;
            }

            found.Add(value);
        }

        (values, without) = (found, null);
        return true;
    }

    private bool TryGet(string statement, string parameter, out string? value)
    {
        var file = statement[(statement.LastIndexOf('/') + 1)..];
        var folder = statement[..^(file.Length + 1)];
        return _values.TryGetValue($"{file}.{parameter}", out value)
            || _values.TryGetValue($"{file[..file.IndexOf('.', StringComparison.Ordinal)]}.{parameter}", out value)
            || _values.TryGetValue($"{folder[(folder.LastIndexOf('/') + 1)..]}.{parameter}", out value)
            || _values.TryGetValue(parameter, out value);
    }
}
