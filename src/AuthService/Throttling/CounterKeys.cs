using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using AuthService.Tokens;

namespace AuthService.Throttling;

/// <summary>Names counters. Whoever reads a node's memory or Redis learns no e-mail address from them, and can't tell which have an account.</summary>
internal sealed class CounterKeys(MasterKey masterKey)
{
    private readonly byte[] _key = masterKey.Derive("throttle/1");

    /// <param name="email">As the account has it; where there is no account, as it was sent.</param>
    /// <param name="series">Of the account's password; 0 where there is none. Another series has counters of its own, which begin at 0.</param>
    public CounterKey Account(string email, int series) => Of(CounterKind.Account, series, email.ToLowerInvariant());

    public CounterKey AccountFrom(IPAddress? ip, CounterKey account) => Of(CounterKind.AccountFromIp, 0, $"{account.Id:x32} {ClientNetwork.Of(ip):x32}");

    public CounterKey Device(Guid device, int series) => Of(CounterKind.Device, series, device.ToString("N"));

    public CounterKey PasswordChange(long userId, int series) => Of(CounterKind.PasswordChange, series, userId.ToString(CultureInfo.InvariantCulture));

    private CounterKey Of(CounterKind kind, int series, string what)
    {
        var input = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(int)kind} {series} {what}"));
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, input, mac);
        return new CounterKey(kind, BinaryPrimitives.ReadUInt128BigEndian(mac));
    }
}
