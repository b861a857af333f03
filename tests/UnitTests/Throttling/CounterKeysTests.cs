using System.Net;
using AuthService.Throttling;
using AuthService.Tokens;

namespace UnitTests.Throttling;

public class CounterKeysTests
{
    private readonly CounterKeys _keys = new(MasterKey.CreateRandom());

    [Fact]
    public void Keys_of_accounts_show_no_address_and_depend_on_the_installation()
    {
        var key = _keys.Account("Anna@Example.com", 0);
        Assert.Equal(key, _keys.Account("anna@example.com", 0));
        Assert.Matches("^throttle:\\{account:[0-9a-f]{32}\\}$", key.ToString());
        Assert.NotEqual(key, new CounterKeys(MasterKey.CreateRandom()).Account("anna@example.com", 0));
    }

    [Fact]
    public void What_is_counted_apart_has_keys_of_its_own()
    {
        var account = _keys.Account("anna@example.com", 0);
        var ip = IPAddress.Parse("203.0.113.7");
        CounterKey[] all =
        [
            account, _keys.Account("anna@example.com", 1), _keys.Account("berta@example.com", 0), _keys.AccountFrom(ip, account),
            _keys.AccountFrom(IPAddress.Loopback, account), _keys.AccountFrom(null, account), _keys.AccountFrom(ip, _keys.Account("berta@example.com", 0)),
            _keys.Device(Guid.Empty, 0), _keys.Device(Guid.Empty, 1), _keys.PasswordChange(1, 0), _keys.PasswordChange(1, 1), _keys.PasswordChange(11, 0),
        ];
        Assert.Equal(all.Length, all.Select(k => k.ToString()).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(all.Length, all.Select(k => k.Id).Distinct().Count());
    }
}
