using System.Globalization;
using AuthService.Client;
using Microsoft.AspNetCore.Http.Extensions;

namespace AuthService.Http;

/// <summary>Which part of a list is asked for. Bound with <c>[AsParameters]</c>.</summary>
internal sealed record Paging
{
    public const int MaxLimit = 200;
    public const int DefaultLimit = 50;

    // So many rows are counted in a millisecond or two.
    private const int MostCounted = 10_000;

    public static readonly Problem NotValid =
        new("http.paging_not_valid", 400, $"limit is 1 to {MaxLimit}, offset 0 or more, offset and cursor exclude each other, and count is exact, estimated or none.");

    public static readonly Problem CursorNotValid = new("http.cursor_not_valid", 400, "The cursor is not one of this list with these filters.");
    public static readonly Problem SortNotKnown = new("http.sort_not_known", 400, "The list can't be sorted by this.");

    /// <summary>1 to <see cref="MaxLimit"/>; default 50.</summary>
    public int? Limit { get; init; }

    /// <summary>0 and more; not together with a cursor.</summary>
    public int? Offset { get; init; }

    /// <summary>From <c>next_cursor</c> or <c>prev_cursor</c> of another page.</summary>
    public string? Cursor { get; init; }

    /// <summary>What the total may cost: <c>exact</c>, <c>estimated</c> (default: exact where that costs nothing) or <c>none</c>.</summary>
    public string? Count { get; init; }

    public int Take => Limit ?? DefaultLimit;
    public int Skip => Offset ?? 0;
    public bool WantsTotal => Count != "none";
    public bool WantsExactTotal => Count == "exact";

    /// <summary>How many rows the total of a list without a kept one may look at: one more than are counted, none, or (null) all.</summary>
    public long? RowsForTotal => Count switch { "none" => 0, "exact" => null, _ => MostCounted + 1 };

    public bool IsValid => Take is >= 1 and <= MaxLimit && Skip >= 0 && !(Offset is not null && Cursor is not null) && Count is (null or "exact" or "estimated" or "none");

    /// <summary>RFC 8288 links to the pages beside this one, for clients that follow headers.</summary>
    public static void Link<T>(HttpContext context, Page<T> page)
    {
        List<string> links = [];
        if (page.PrevCursor is { } prev) links.Add(To(prev, "prev"));
        if (page.NextCursor is { } next) links.Add(To(next, "next"));
        if (links.Count > 0) context.Response.Headers.Link = string.Join(", ", links);

        string To(string cursor, string relation)
        {
            var query = new QueryBuilder(context.Request.Query
                .Where(q => q.Key is not ("cursor" or "offset"))
                .SelectMany(q => q.Value, (q, v) => KeyValuePair.Create(q.Key, v ?? ""))) { { "cursor", cursor } };
            return string.Create(CultureInfo.InvariantCulture, $"<{context.Request.Path}{query}>; rel=\"{relation}\"");
        }
    }
}
