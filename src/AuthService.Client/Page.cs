namespace AuthService.Client;

/// <summary>One page of a list.</summary>
/// <param name="Items">The entries of this page.</param>
/// <param name="Total">How many entries match in all; null if that was not asked for.</param>
/// <param name="TotalIsEstimate">True if there were too many to count; then <paramref name="Total"/> is about right.</param>
/// <param name="NextCursor">Pass it as <c>cursor</c> to get the next page; null on the last.</param>
/// <param name="PrevCursor">Likewise for the page before; null on the first.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, long? Total, bool TotalIsEstimate, string? NextCursor, string? PrevCursor = null);

/// <summary>Number of what was created.</summary>
/// <param name="Id">The number.</param>
public sealed record CreatedResource(long Id);
