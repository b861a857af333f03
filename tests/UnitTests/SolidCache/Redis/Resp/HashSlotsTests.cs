using SolidCache.Redis.Resp;

namespace UnitTests.SolidCache.Redis.Resp;

public class HashSlotsTests
{
    // As CLUSTER KEYSLOT answers; the first is CRC-16's own check value, 0x31C3.
    [Theory]
    [InlineData("123456789", 0x31C3)]
    [InlineData("", 0)]
    [InlineData("foo", 12182)]
    [InlineData("{user1000}.following", 3443)]
    [InlineData("{user1000}.followers", 3443)]
    [InlineData("foo{}{bar}", 8363)]
    [InlineData("foo{{bar}}zap", 4015)]
    [InlineData("foo{bar}{zap}", 5061)]
    public void A_key_is_in_the_slot_that_Redis_says(string key, int slot) => Assert.Equal(slot, HashSlots.Of(key));
}
