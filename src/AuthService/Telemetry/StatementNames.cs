using System.Diagnostics;
using OpenTelemetry;

namespace AuthService.Telemetry;

/// <summary>A statement is shown by the name in its comment. Its text stays here: no trace depends on nobody ever writing a value into one.</summary>
internal sealed class StatementNames : BaseProcessor<Activity>
{
    private static readonly string[] Texts = ["db.query.text", "db.statement"];

    public override void OnEnd(Activity data)
    {
        if (data.Source.Name != "Npgsql") return;
        foreach (var tag in Texts)
        {
            if (data.GetTagItem(tag) is not string text) continue;
            data.DisplayName = NameIn(text);
            data.SetTag(tag, null);
        }
    }

    internal static string NameIn(string text)
    {
        var start = text.IndexOf("/* ", StringComparison.Ordinal);
        var end = start < 0 ? -1 : text.IndexOf(" */", start, StringComparison.Ordinal);
        return end < 0 ? "unnamed" : text[(start + 3)..end];
    }
}
