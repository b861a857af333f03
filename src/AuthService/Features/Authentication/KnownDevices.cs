using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using AuthService.Throttling;
using AuthService.Tokens;

namespace AuthService.Features.Authentication;

/// <summary>What a device says of itself.</summary>
/// <param name="Series">Of the password it was proved with.</param>
internal readonly record struct KnownDevice(Guid Id, long UserId, int Series);

/// <summary>
/// Devices on which an account has signed in. They have failures of their own to make, so that nobody who guesses at the password elsewhere keeps
/// its owner from signing in there. What such a device has is no credential: it still needs the password.
/// <para>base64url(version 1 | device 16 | account 8 | series 4 | expires 8 | tag 16), numbers big-endian; tag = HMAC-SHA-256, cut to 128 bits.</para>
/// </summary>
internal sealed class KnownDevices(MasterKey masterKey, ThrottlingOptions options, TimeProvider clock)
{
    private const byte Version = 1;
    private const int TagAt = 37;
    private const int Length = TagAt + 16;
    private const int TextLength = (Length * 4 + 2) / 3;

    private readonly byte[] _key = masterKey.Derive("known-device/1");

    public TimeSpan Lifetime => options.KnownDeviceLifetime;

    public string Make(KnownDevice device)
    {
        Span<byte> bytes = stackalloc byte[Length];
        bytes[0] = Version;
        device.Id.TryWriteBytes(bytes[1..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(bytes[17..], device.UserId);
        BinaryPrimitives.WriteInt32BigEndian(bytes[25..], device.Series);
        BinaryPrimitives.WriteInt64BigEndian(bytes[29..], (clock.GetUtcNow() + Lifetime).ToUnixTimeSeconds());
        WriteTag(bytes[..TagAt], bytes[TagAt..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <returns>Null for anything this service has not made, and for what has expired.</returns>
    public KnownDevice? Read(string? text)
    {
        Span<byte> bytes = stackalloc byte[Length];
        if (text is not { Length: TextLength } || !Base64UrlText.TryDecode(text, bytes, out _)) return null;
        Span<byte> tag = stackalloc byte[Length - TagAt];
        WriteTag(bytes[..TagAt], tag);
        if (!CryptographicOperations.FixedTimeEquals(tag, bytes[TagAt..]) || bytes[0] != Version) return null;
        if (BinaryPrimitives.ReadInt64BigEndian(bytes[29..]) <= clock.GetUtcNow().ToUnixTimeSeconds()) return null;
        return new KnownDevice(new Guid(bytes[1..17], bigEndian: true), BinaryPrimitives.ReadInt64BigEndian(bytes[17..]), BinaryPrimitives.ReadInt32BigEndian(bytes[25..]));
    }

    private void WriteTag(ReadOnlySpan<byte> input, Span<byte> tag)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, input, mac);
        mac[..tag.Length].CopyTo(tag);
    }
}

/// <summary>The cookie a known device shows, and gets.</summary>
internal sealed class DeviceCookie(HttpContext context, KnownDevices devices)
{
    /// <summary>A browser takes it from nobody but this very host, and over TLS only.</summary>
    public const string Name = "__Host-known-device";

    public KnownDevice? Shown { get; } = devices.Read(context.Request.Cookies[Name]);

    /// <summary>The device on which this account has just proved who it is: the one that was shown if it was known for it, else a new one.</summary>
    public void Give(long userId, int series)
    {
        var id = Shown is { } shown && shown.UserId == userId ? shown.Id : Guid.CreateVersion7();
        context.Response.Cookies.Append(Name, devices.Make(new KnownDevice(id, userId, series)),
            new CookieOptions { HttpOnly = true, Secure = true, SameSite = SameSiteMode.Strict, Path = "/", MaxAge = devices.Lifetime, IsEssential = true });
    }

    /// <summary>Lets endpoint handlers name a parameter of this type; found by the framework by its name.</summary>
    public static ValueTask<DeviceCookie?> BindAsync(HttpContext context) =>
        ValueTask.FromResult<DeviceCookie?>(new DeviceCookie(context, context.RequestServices.GetRequiredService<KnownDevices>()));
}
