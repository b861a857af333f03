using System.Text.Json;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using Npgsql;
using SolidCache;

namespace AuthService.Features.SystemSettings;

/// <summary>A setting as it is kept and cached: its JSON as text.</summary>
internal sealed record StoredSetting(string Value, DateTimeOffset UpdatedAt)
{
    public SettingInfo ToWire(string key) => new(key, JsonElement.Parse(Value), UpdatedAt);
}

/// <summary>One setting, from memory, from the cache in PostgreSQL, or from its row.</summary>
internal sealed class GetSetting(NpgsqlDataSource db, TieredCache cache)
{
    private static readonly SqlFile FindSetting = SqlFile.Beside<GetSetting>("find_setting");

    public async Task<Outcome<SettingInfo>> ExecuteAsync(string key, CancellationToken ct)
    {
        if (!SettingKey.IsWellFormed(key)) return SystemSettingsProblems.NotFound;
        var setting = await TimeSpent.InCache(cache.GetOrLoadAsync(CacheTags.Setting(key), (db, key), static async (s, context, stop) =>
        {
            var found = await FindAsync(s.db, s.key, stop);
            context.DoNotStore = found is null;   // names that are nothing's are without end
            return found;
        }, token: ct));
        return setting is null ? SystemSettingsProblems.NotFound : setting.ToWire(key);
    }

    private static async Task<StoredSetting?> FindAsync(NpgsqlDataSource db, string key, CancellationToken ct)
    {
        await using var command = FindSetting.On(db).With(key);
        await using var row = await command.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) ? new StoredSetting(row.GetString(0), row.GetFieldValue<DateTimeOffset>(1)) : null;
    }
}
