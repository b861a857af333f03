using AuthService.Client;
using AuthService.Database;
using Npgsql;

namespace AuthService.Http;

/// <summary>What a list can be sorted by: SQL that is never null, by itself or together with the tie unique, and served by an index.</summary>
/// <param name="Type">What a cursor's text is cast to, to be compared with it.</param>
/// <param name="Tie">Null where <paramref name="Key"/> alone is unique.</param>
internal sealed record ListOrder(string Key, string Type, string? Tie = null, string TieType = "bigint");

/// <summary>What makes the statement of one part of a list different from another's: text, and not parameters, is what a plan goes by.</summary>
/// <param name="Way">Null: the page begins at the end of the list, or at an offset.</param>
internal readonly record struct Reading(string Sort, bool IsDescending, Way? Way)
{
    public string Direction => IsDescending ? "DESC" : "ASC";

    /// <summary>The condition that leads to the page: <c>$1</c> is the key of its place, <c>$2</c> the tie.</summary>
    public string PlaceIn(ListOrder sort)
    {
        if (Way is not { } way) return "true";
        var comparison = (IsDescending ? "<" : ">") + (way is Http.Way.From or Http.Way.UpTo ? "=" : "");
        return sort.Tie is null ? $"{sort.Key} {comparison} $1::text::{sort.Type}" : $"({sort.Key}, {sort.Tie}) {comparison} ($1::text::{sort.Type}, $2::text::{sort.TieType})";
    }
}

/// <summary>
/// One part of a list as a request asks for it, and the page that becomes of the rows. It goes by the entries' own keys, so entries that come and go between
/// two pages move nothing; only one whose key changes may be met twice, or not at all.
/// </summary>
internal sealed class ListPart
{
    private readonly Cursors _cursors;
    private readonly string _scope;
    private readonly Paging _paging;
    private readonly Place? _place;

    private ListPart(Cursors cursors, string scope, Paging paging, Place? place, Reading reading) =>
        (_cursors, _scope, _paging, _place, Reading) = (cursors, scope, paging, place, reading);

    public Reading Reading { get; }
    public string? Key => _place?.Key;
    public string? Tie => _place?.Tie;

    /// <summary>One more than are shown: whether there is a page behind this one.</summary>
    public int Limit => _paging.Take + 1;

    public int Offset => _paging.Skip;

    /// <param name="sort">A name, with <c>-</c> before it for descending.</param>
    /// <param name="sorts">The names there are.</param>
    /// <param name="scope">Names the list and its filters; a cursor leads nowhere else. The order is added.</param>
    public static Outcome<ListPart> Of(Cursors cursors, Paging paging, string sort, ICollection<string> sorts, string scope)
    {
        if (!paging.IsValid) return Paging.NotValid;
        var isDescending = sort.StartsWith('-');
        var name = isDescending ? sort[1..] : sort;
        if (!sorts.Contains(name)) return Paging.SortNotKnown;
        scope = $"{sort}\n{scope}";
        Place? place = null;
        if (paging.Cursor is { } cursor)
        {
            if (!cursors.TryRead(cursor, scope, out var read)) return Paging.CursorNotValid;
            place = read;
        }

        return new ListPart(cursors, scope, paging, place, new Reading(name, isDescending != place is { GoesBack: true }, place?.Way));
    }

    /// <param name="statement">Gives <c>total</c>, <c>is_estimate</c>, <c>place_key</c>, <c>place_tie</c>, and from <paramref name="read"/>'s fifth column on an entry, in the order of
    /// <see cref="Reading"/>; where the page is empty one row without a key.</param>
    /// <returns>Null: no row at all, by which a statement says that what the list belongs to is not there.</returns>
    public async Task<Page<T>?> PageAsync<T>(Statement statement, Func<NpgsqlDataReader, T> read, CancellationToken ct)
    {
        await using var row = await statement.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct)) return null;
        long? total = row.IsDBNull(0) ? null : row.GetInt64(0);
        var isEstimate = row.GetBoolean(1);
        var items = new List<T>(_paging.Take);
        Place first = default, last = default;
        var hasMore = false;
        for (var isRow = !row.IsDBNull(2); isRow; isRow = await row.ReadAsync(ct))
        {
            if (hasMore = items.Count == _paging.Take) break;
            last = new Place(Way.After, row.GetString(2), row.GetString(3));
            if (items.Count == 0) first = last;
            items.Add(read(row));
        }

        var (next, previous) = Neighbours(items.Count, first, last, hasMore);
        if (_place is { GoesBack: true }) items.Reverse();
        return new Page<T>(items, total, isEstimate, Cursor(next), Cursor(previous));
    }

    /// <param name="first">Of the rows as they were read: going back, the last of the page.</param>
    private (Place? Next, Place? Previous) Neighbours(int count, Place first, Place last, bool hasMore)
    {
        // All that was there is gone: only the way by which one came leads on.
        if (count == 0) return _place is not { } place ? (null, null) : place.GoesBack ? (place.Opposite, null) : (null, place.Opposite);
        if (_place is { GoesBack: true }) return (first with { Way = Way.After }, hasMore ? last with { Way = Way.Before } : null);
        return (hasMore ? last : null, _place is not null || Offset > 0 ? first with { Way = Way.Before } : null);
    }

    private string? Cursor(Place? place) => place is { } there ? _cursors.Make(_scope, there) : null;
}
