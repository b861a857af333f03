using AuthService.Database;
using Npgsql;

namespace AuthService.Verification;

/// <summary>
/// Whether the server has the settings we ship (<c>deploy/postgres/authservice.conf</c>). One that endangers data or correctness has failed; one that costs time,
/// room or sight is a warning. Changes nothing.
/// </summary>
internal sealed class VerifyServerSettings(NpgsqlDataSource db)
{
    private static readonly SqlFile ReadSettings = SqlFile.Beside<VerifyServerSettings>("read_settings");

    public async Task<IReadOnlyList<Check>> ExecuteAsync(CancellationToken ct)
    {
        var settings = ProductionSettings.All;
        await using var command = ReadSettings.On(db).With(settings.Select(s => s.Name).ToArray()).With(settings.Select(s => s.Value).ToArray());
        await using var row = await command.ExecuteReaderAsync(ct);
        var checks = new List<Check>();
        foreach (var setting in settings)
        {
            await row.ReadAsync(ct);
            checks.Add(row.IsDBNull(1)
                ? new Check(setting.Name, IsGood: false, "this account may not see it: GRANT pg_read_all_settings", IsAdvice: true)
                : Compare(setting, row.GetString(1), row.IsDBNull(2) ? null : row.GetDecimal(2), row.IsDBNull(3) ? null : row.GetDecimal(3)));
        }

        return checks;
    }

    /// <param name="shown">As the server shows it.</param>
    /// <param name="seen">The same as a number; null for a word.</param>
    internal static Check Compare(ProductionSetting setting, string shown, decimal? seen, decimal? wanted)
    {
        var isGood = setting.AsGood.Contains(shown, StringComparer.Ordinal) || setting.Rule switch
        {
            SettingRule.AtLeast => seen >= wanted,
            SettingRule.AtMost => seen >= 0 && seen <= wanted,
            SettingRule.AtMostButNotZero => seen > 0 && seen <= wanted,
            SettingRule.Has => shown.Split(',', StringSplitOptions.TrimEntries).Contains(setting.Value, StringComparer.Ordinal),
            _ => seen is null ? string.Equals(shown, setting.Value, StringComparison.Ordinal) : seen == wanted,
        };
        var rule = setting.Rule switch
        {
            SettingRule.Must => "must be ",
            SettingRule.AtLeast => "at least ",
            SettingRule.AtMost => "at most ",
            SettingRule.AtMostButNotZero => "at most, and not 0, ",
            SettingRule.Has => "with ",
            _ => "",
        };
        var wish = rule + string.Join(" or ", setting.AsGood.Prepend(setting.Value));
        return new Check(setting.Name, isGood, isGood ? $"{shown} (wanted: {wish})" : $"{shown} (wanted: {wish}): {setting.Reason}", IsAdvice: setting.Rule != SettingRule.Must);
    }
}
