using System.Globalization;
using System.Net;

namespace AuthService.Throttling;

/// <summary>What is counted.</summary>
internal enum CounterKind
{
    /// <summary>Wrong passwords of an account, or of an address that has none.</summary>
    Account,

    /// <summary>Those of them that came from one network address.</summary>
    AccountFromIp,

    /// <summary>Those from a device on which the account has signed in before.</summary>
    Device,

    /// <summary>Wrong current passwords where one is changed.</summary>
    PasswordChange,

    LogIns,

    /// <summary>Log-ins on a known device, in place of those of its address.</summary>
    DeviceLogIns,

    LogInFailures,
    RefreshFailures,
    Registrations,

    /// <summary>Mails that were asked for.</summary>
    MailRequests,

    /// <summary>Tokens out of mails that were worth nothing.</summary>
    MailTokenFailures,
    SessionRefreshes,
}

/// <summary>One counter. Made by <see cref="CounterKeys"/>; compared as 128 bits, so that a node's table has no texts in it.</summary>
internal readonly record struct CounterKey(CounterKind Kind, UInt128 Id)
{
    /// <summary>As Redis has it, all in one hash slot. Accounts are keyed hashes; network addresses are readable.</summary>
    public override string ToString() => Kind switch
    {
        CounterKind.Account => $"throttle:{{account:{Hex}}}",
        CounterKind.AccountFromIp => $"throttle:{{account-from-ip:{Hex}}}",
        CounterKind.Device => $"throttle:{{device:{Hex}}}",
        CounterKind.PasswordChange => $"throttle:{{password-change:{Hex}}}",
        CounterKind.DeviceLogIns => $"throttle:{{device-logins:{Hex}}}",
        CounterKind.LogIns => $"throttle:{{logins:{Ip}}}",
        CounterKind.LogInFailures => $"throttle:{{login-failures:{Ip}}}",
        CounterKind.RefreshFailures => $"throttle:{{refresh-failures:{Ip}}}",
        CounterKind.Registrations => $"throttle:{{registrations:{Ip}}}",
        CounterKind.MailRequests => $"throttle:{{mail-requests:{Ip}}}",
        CounterKind.MailTokenFailures => $"throttle:{{mail-token-failures:{Ip}}}",
        _ => $"throttle:{{session-refreshes:{Hex}}}",
    };

    private string Hex => Id.ToString("x32", CultureInfo.InvariantCulture);

    private string Ip => ClientNetwork.ToText(Id);
}

/// <summary>What counts as one client address: an IPv4 address, or the /64 that one IPv6 subscriber is given at least.</summary>
internal static class ClientNetwork
{
    private static readonly UInt128 MappedIPv4 = new(0, 0xFFFF_0000_0000);

    /// <param name="ip">Null, as for a Unix socket: all of these are one client.</param>
    public static UInt128 Of(IPAddress? ip)
    {
        if (ip is null) return UInt128.Zero;
        Span<byte> bytes = stackalloc byte[16];
        ip.TryWriteBytes(bytes, out var length);
        if (length == 4) return MappedIPv4 | System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var whole = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return ip.IsIPv4MappedToIPv6 ? whole : whole >> 64 << 64;
    }

    public static string ToText(UInt128 network)
    {
        if (network == UInt128.Zero) return "none";
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, network);
        var ip = new IPAddress(bytes);
        return ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4().ToString() : $"{ip}/64";
    }
}
