using System.Text;
using System.Text.Json;
using AuthService.Audit;
using AuthService.Caching;
using AuthService.Client;
using AuthService.Database;
using AuthService.Http;
using SolidCache;

namespace AuthService.Features.SystemSettings;

/// <summary>Writes a setting, and what was written into the cache: the next to read it loads nothing.</summary>
internal sealed class PutSetting(Changes changes, TieredCache cache)
{
    private const int MaxBytes = 64 * 1024;

    private static readonly SqlFile Put = SqlFile.Beside<PutSetting>("put_setting");

    public async Task<Outcome<SettingInfo>> ExecuteAsync(Caller caller, string key, JsonElement value, CancellationToken ct)
    {
        if (!SettingKey.IsWellFormed(key)) return SystemSettingsProblems.KeyNotValid;
        var text = value.GetRawText();
        if (Encoding.UTF8.GetByteCount(text) > MaxBytes) return HttpProblems.Invalid with { Errors = [SystemSettingsProblems.ValueTooLarge] };

        // Before the change, and what the change itself has made invalid after it: whoever changes the setting meanwhile wins.
        var name = CacheTags.Setting(key);
        var stamp = await cache.CaptureAsync(name, [], ct);
        var outcome = await changes.RunAsync<StoredSetting>(caller, [name], async transaction =>
        {
            await using var put = Put.On(transaction).With(key).With(text);
            var updatedAt = (DateTime)(await put.ExecuteScalarAsync(ct))!;
            await AuditTrail.AppendAsync(transaction, AuditEvent.Of(AuditTypes.ConfigChanged, caller) with { TargetType = "setting", TargetId = key }, ct);
            return new StoredSetting(text, new DateTimeOffset(updatedAt, TimeSpan.Zero));
        }, ct, committed: (stored, revision) => cache.SetAsync(name, stored, stamp.With(revision), token: ct));
        if (outcome.Failed(out var problem, out var written)) return problem;
        return written.ToWire(key);
    }
}
