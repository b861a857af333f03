using AuthService.Features.Authentication;
using AuthService.Throttling;
using AuthService.Tokens;

namespace UnitTests.Features.Authentication;

public class KnownDevicesTests
{
    private readonly ManualClock _clock = new();
    private readonly KnownDevices _devices;

    public KnownDevicesTests() => _devices = new KnownDevices(MasterKey.CreateRandom(), new ThrottlingOptions(), _clock);

    [Fact]
    public void A_device_is_read_as_it_was_written_until_it_expires()
    {
        var device = new KnownDevice(Guid.CreateVersion7(), 1L << 40, 7);
        var text = _devices.Make(device);
        Assert.Equal(device, _devices.Read(text));
        _clock.Advance(TimeSpan.FromDays(180) - TimeSpan.FromSeconds(1));
        Assert.Equal(device, _devices.Read(text));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_devices.Read(text));
    }

    // Leave a byte out of what the tag covers and a change there is not seen.
    [Fact]
    public void A_change_anywhere_is_seen()
    {
        var text = _devices.Make(new KnownDevice(Guid.CreateVersion7(), 42, 0));
        for (var i = 0; i < text.Length; i++)
        {
            var changed = text.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            Assert.Null(_devices.Read(new string(changed)));
        }

        foreach (var other in new[] { null, "", text + "A", text[..^1], new KnownDevices(MasterKey.CreateRandom(), new ThrottlingOptions(), _clock).Make(new KnownDevice(Guid.Empty, 42, 0)) })
            Assert.Null(_devices.Read(other));
    }
}
