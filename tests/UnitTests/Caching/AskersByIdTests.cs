using AuthService.Caching;
using FsCheck;
using FsCheck.Fluent;

namespace UnitTests.Caching;

public class AskersByIdTests
{
    // Give an asker to two ids, or leave one out, and this fails.
    [Fact]
    public void Everybody_who_asked_for_an_id_is_found_once() => Prop.ForAll<byte[]>(EverybodyIsFoundOnce).QuickCheckThrowOnFailure();

    private static bool EverybodyIsFoundOnce(byte[] asked)
    {
        if (asked is null) return true;
        var askers = new AskersById<byte>(asked);
        if (!new HashSet<byte>(askers.Ids).SetEquals(asked) || askers.Ids.Length != asked.Distinct().Count()) return false;
        var found = new List<int>();
        foreach (var id in askers.Ids)
        {
            for (var i = askers.Last(id); i >= 0; i = askers.Before(i))
            {
                if (asked[i] != id) return false;
                found.Add(i);
            }
        }

        return found.Count == asked.Length && found.Distinct().Count() == found.Count;
    }
}
