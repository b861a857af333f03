using AuthService.Features.Authorization;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Features.Authorization;

public class UserRightsTests
{
    private static readonly string[] Names = [.. Enumerable.Range(0, 200).Select(i => $"thing{i:D3}:read")];

    // Bits against sets of names, with more permissions than a word has bits. Shift by 6 without masking by 63, or forget a word, and this fails.
    [Fact]
    public void Bits_say_what_sets_of_names_say() => Prop.ForAll<byte[][]>(BitsSayWhatSetsSay).QuickCheckThrowOnFailure();

    private static bool BitsSayWhatSetsSay(byte[][] roles)
    {
        var held = (roles ?? []).Take(10).Select(r => (r ?? []).Select(b => b % Names.Length).Distinct().ToArray()).ToArray();
        var catalogue = CatalogueOf(held);
        var rights = UserRights.Of(RoleSet.Of([.. held.Select((_, i) => (long)i)]), catalogue)!;
        var expected = held.SelectMany(r => r).Distinct().Select(i => Names[i]).ToHashSet(StringComparer.Ordinal);
        return Names.All(name => rights.Allow(name) == expected.Contains(name)) && rights.Permissions.AsSpan().SequenceEqual([.. expected.Order(StringComparer.Ordinal)])
            && !rights.Allow("thing999:read") && !rights.Allow("");
    }

    // An unknown role means that one of the two is out of date: no answer, rather than a no.
    [Fact]
    public void A_role_that_is_not_in_the_catalogue_is_no_answer() => Assert.Null(RoleSet.Of([0, 7]).In(CatalogueOf([[1]])));

    [Fact]
    public void Equal_sets_are_one_object_and_are_worked_out_once_for_a_catalogue()
    {
        var catalogue = CatalogueOf([[1], [2]]);
        Assert.Same(RoleSet.Of([0, 1]), RoleSet.Of([0, 1]));
        Assert.Same(RoleSet.Of([0, 1]), RoleSet.Of([1, 0]));   // the database names them in no order
        Assert.NotSame(RoleSet.Of([0]), RoleSet.Of([1]));
        Assert.Same(RoleSet.Of([0, 1]).In(catalogue), RoleSet.Of([0, 1]).In(catalogue));
        // Another catalogue, another answer: bits mean something only together with the instance they are from.
        var changed = RoleSet.Of([0, 1]).In(CatalogueOf([[3], [4]]))!;
        Assert.Equal([Names[3], Names[4]], changed.Permissions);
        Assert.Equal([Names[1], Names[2]], RoleSet.Of([0, 1]).In(catalogue)!.Permissions);
    }

    private static RoleCatalogue CatalogueOf(int[][] roles) => new(
        Names, roles.Select((bits, i) => KeyValuePair.Create((long)i, new RoleCatalogue.Role($"role{i}", RoleCatalogue.BitsOf(bits, (Names.Length + 63) / 64)))));
}
