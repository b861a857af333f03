using System.Globalization;

namespace AuthService.Http;

/// <summary><c>X-Response-Time</c>, and <c>Server-Timing</c> (W3C) where something was waited for: until the answer begins.</summary>
internal static class ResponseTimes
{
    public const string Header = "X-Response-Time";
    public const string PartsHeader = "Server-Timing";

    /// <summary>
    /// Exact to those who have shown who they are. To others whole milliseconds and no parts: two log-ins that fail, or two registrations, differ by a statement
    /// or none, and the network between hides that better than we should undo.
    /// </summary>
    public static void Add(HttpContext context, TimeSpan elapsed, TimeSpent spent)
    {
        var headers = context.Response.Headers;
        if (context.Response.StatusCode != StatusCodes.Status200OK && context.Features.Get<Caller>()?.UserId is null)
        {
            headers[Header] = Text(TimeSpan.FromMilliseconds(Math.Ceiling(elapsed.TotalMilliseconds)), "ms");
            return;
        }

        headers[Header] = Text(elapsed, "ms");
        if (Parts(spent) is { } parts) headers[PartsHeader] = parts;
    }

    /// <returns>Such as <c>db;dur=1.20, hash;dur=20.05</c>, in milliseconds; null: nothing was waited for.</returns>
    public static string? Parts(TimeSpent spent)
    {
        var parts = Part(null, "db", spent.Database);
        parts = Part(parts, "cache", spent.Cache);
        return Part(parts, "hash", spent.Hash);
    }

    private static string? Part(string? before, string name, TimeSpan spent) =>
        spent == TimeSpan.Zero ? before : before is null ? $"{name};dur={Text(spent, "")}" : $"{before}, {name};dur={Text(spent, "")}";

    // Whole numbers: a tenth of what it costs to write a double.
    private static string Text(TimeSpan time, string unit)
    {
        var hundredths = time.Ticks / (TimeSpan.TicksPerMillisecond / 100);
        return string.Create(CultureInfo.InvariantCulture, $"{hundredths / 100}.{hundredths % 100:00}{unit}");
    }
}
