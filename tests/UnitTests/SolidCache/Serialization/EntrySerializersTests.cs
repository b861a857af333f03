using System.ComponentModel;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SolidCache.Serialization;

namespace UnitTests.SolidCache.Serialization;

public class EntrySerializersTests
{
    private readonly EntrySerializers _serializers = new(null, JsonSerializerOptions.Web);

    [Fact]
    public void Texts_and_bytes_come_back_as_they_were()
    {
        var texts = _serializers.For<string>();
        var bytes = _serializers.For<byte[]>();
        Prop.ForAll(ArbMap.Default.ArbFor<string?>(), ArbMap.Default.ArbFor<byte[]?>(), (text, array) =>
        {
            if (text is not null && text.Any(char.IsSurrogate)) text = "";
            Assert.True(texts.TryRead(texts.Write(text!, 3), 3, out var readText));
            Assert.Equal(text, readText);
            Assert.True(bytes.TryRead(bytes.Write(array!, 3), 3, out var readBytes));
            Assert.Equal(array, readBytes);
        }).QuickCheckThrowOnFailure();
    }

    // What isn't Unicode would come back as something else: said when it is written, not found when it is read.
    [Fact]
    public void A_lone_surrogate_is_refused() => Assert.ThrowsAny<ArgumentException>(() => _serializers.For<string>().Write("\ud800", 0));

    // Let an exception of Deserialize through and this fails.
    [Fact]
    public void Random_bytes_are_a_miss_or_a_value_and_never_an_exception() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), tail =>
    {
        foreach (var head in new byte[][] { [], [1], [1, 0, 0, 0], [1, 1, 0, 0], [2, 0, 0, 0] })
        {
            byte[] payload = [.. head, .. tail];
            _ = _serializers.For<Shared>().TryRead(payload, 0, out _);
            _ = _serializers.For<int>().TryRead(payload, 0, out _);
            _ = _serializers.For<string>().TryRead(payload, 0, out _);
            _ = _serializers.For<List<string>>().TryRead(payload, 0, out _);
        }
    }).QuickCheckThrowOnFailure();

    // Leave one half of the version out of the header and some of these are read.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 256)]
    [InlineData(1, 257)]
    [InlineData(ushort.MaxValue, 255)]
    public void Another_version_is_a_miss(ushort written, ushort read)
    {
        var texts = _serializers.For<string>();
        Assert.False(texts.TryRead(texts.Write("value", written), read, out _));
        Assert.False(texts.TryRead(texts.Write(null!, written), read, out _));
        Assert.True(texts.TryRead(texts.Write("value", written), written, out _));
    }

    [Fact]
    public void A_null_is_no_value_of_a_type_that_has_none()
    {
        var nothing = _serializers.For<string?>().Write(null, 0);
        Assert.False(_serializers.For<int>().TryRead(nothing, 0, out _));
        Assert.True(_serializers.For<int?>().TryRead(nothing, 0, out var number));
        Assert.Null(number);
    }

    // Take "sealed" out of the rule and a derived type may be changed by whoever has it.
    [Fact]
    public void Only_what_nobody_can_change_is_shared()
    {
        Assert.True(_serializers.For<string>().IsImmutable);
        Assert.True(_serializers.For<int>().IsImmutable);
        Assert.True(_serializers.For<DateTimeOffset?>().IsImmutable);
        Assert.True(_serializers.For<Shared>().IsImmutable);
        Assert.False(_serializers.For<Open>().IsImmutable);
        Assert.False(_serializers.For<Derived>().IsImmutable);
        Assert.False(_serializers.For<Silent>().IsImmutable);
        Assert.False(_serializers.For<byte[]>().IsImmutable);
        Assert.False(_serializers.For<KeyValuePair<int, int[]>>().IsImmutable);
        Assert.False(_serializers.For<object>().IsImmutable);
    }

    [ImmutableObject(true)]
    private sealed record Shared(string Name);

    [ImmutableObject(true)]
    private record Open(string Name);

    private sealed record Derived(string Name) : Open(Name)
    {
        public List<string> Changeable { get; } = [];
    }

    private sealed record Silent(string Name);
}
