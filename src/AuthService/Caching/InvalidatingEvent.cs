using System.Globalization;

namespace AuthService.Caching;

/// <summary>
/// What happens to things that are cached, by name, and what each happening makes invalid. For those who change data by ways of their own and know
/// what they have done, not what is cached of it: <c>user.updated:42</c>.
/// </summary>
/// <param name="Name">Such as <c>user.updated</c>.</param>
/// <param name="TagsOf">The tags that what follows the colon stands for; null: it is none that can happen to.</param>
internal sealed record InvalidatingEvent(string Name, Func<string, string[]?> TagsOf)
{
    public static IReadOnlyList<InvalidatingEvent> All { get; } =
    [
        new("user.updated", subject => OfNumber(subject, id => [CacheTags.Profile(id)])),
        new("user.roles_changed", subject => OfNumber(subject, id => [CacheTags.User(id)])),
        new("user.deactivated", subject => OfNumber(subject, id => [CacheTags.User(id)])),
        new("user.deleted", subject => OfNumber(subject, id => [CacheTags.User(id)])),
        new("role.changed", subject => OfNumber(subject, _ => [CacheTags.Catalog])),
        new("permission.changed", subject => OfNumber(subject, _ => [CacheTags.Catalog])),
        new("session.ended", subject => Guid.TryParseExact(subject, "D", out var id) ? [CacheTags.Session(id)] : null),
        new("setting.changed", subject => subject.Length > 0 ? [CacheTags.Setting(subject)] : null),
    ];

    /// <param name="happening">Name and subject, with a colon between them.</param>
    /// <returns>Null: there is no such event, or no such subject.</returns>
    public static string[]? TagsFor(string happening)
    {
        var colon = happening.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return null;
        return All.FirstOrDefault(e => happening.AsSpan(0, colon).SequenceEqual(e.Name))?.TagsOf(happening[(colon + 1)..]);
    }

    private static string[]? OfNumber(string subject, Func<long, string[]> tags) =>
        long.TryParse(subject, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0 ? tags(id) : null;
}
