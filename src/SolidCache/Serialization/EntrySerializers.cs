using System.Buffers;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Caching.Hybrid;

namespace SolidCache.Serialization;

/// <summary>How values of a type become bytes: the application's serializer for it, else JSON; text and bytes as they are.</summary>
internal sealed class EntrySerializers(IServiceProvider? services, JsonSerializerOptions json)
{
    private readonly ConcurrentDictionary<Type, object> _known = new();

    public EntrySerializer<T> For<T>() => (EntrySerializer<T>)_known.GetOrAdd(typeof(T), static (_, self) => self.Create<T>(), this);

    private EntrySerializer<T> Create<T>() => new(Find<T>());

    private IHybridCacheSerializer<T> Find<T>()
    {
        if (services?.GetService(typeof(IHybridCacheSerializer<T>)) is IHybridCacheSerializer<T> own) return own;
        // Who was registered last comes first, as everywhere with registrations.
        foreach (var factory in (services?.GetService(typeof(IEnumerable<IHybridCacheSerializerFactory>)) as IEnumerable<IHybridCacheSerializerFactory> ?? []).Reverse())
        {
            if (factory.TryCreateSerializer<T>(out var made)) return made;
        }

        if (typeof(T) == typeof(string)) return (IHybridCacheSerializer<T>)(object)TextSerializer.Instance;
        if (typeof(T) == typeof(byte[])) return (IHybridCacheSerializer<T>)(object)BytesSerializer.Instance;
        return new JsonValueSerializer<T>(json);
    }

    private sealed class TextSerializer : IHybridCacheSerializer<string>
    {
        public static readonly TextSerializer Instance = new();

        // Strict: what isn't Unicode would come back as something else.
        private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        public string Deserialize(ReadOnlySequence<byte> source) => Utf8.GetString(source);
        public void Serialize(string value, IBufferWriter<byte> target) => Utf8.GetBytes(value, target);
    }

    private sealed class BytesSerializer : IHybridCacheSerializer<byte[]>
    {
        public static readonly BytesSerializer Instance = new();
        public byte[] Deserialize(ReadOnlySequence<byte> source) => source.ToArray();
        public void Serialize(byte[] value, IBufferWriter<byte> target) => target.Write(value);
    }

    private sealed class JsonValueSerializer<T>(JsonSerializerOptions json) : IHybridCacheSerializer<T>
    {
        public T Deserialize(ReadOnlySequence<byte> source)
        {
            var reader = new Utf8JsonReader(source);
            return JsonSerializer.Deserialize<T>(ref reader, json)!;
        }

        public void Serialize(T value, IBufferWriter<byte> target)
        {
            using var writer = new Utf8JsonWriter(target);
            JsonSerializer.Serialize(writer, value, json);
        }
    }
}

internal static class EntrySerializer
{
    public const int HeaderLength = 4;

    /// <summary>Stands for the payload of an object that is never written as bytes; as long as such an object counts in memory: a dozen fields and a short text (the claims of an access token, by a dump of the heap).</summary>
    public static readonly byte[] NotWritten = new byte[160];

    /// <summary>What the value itself takes of a payload.</summary>
    public static int LengthOf(byte[] payload) => payload.Length - HeaderLength;
}

/// <summary>
/// Payloads of one type: a header of four bytes (form, whether the value is null, and the shape's version as the group declares it),
/// then what the serializer writes.
/// </summary>
internal sealed class EntrySerializer<T>(IHybridCacheSerializer<T> serializer)
{
    /// <summary>The form of this header. Another is a miss.</summary>
    private const byte Form = 1;

    private const int HeaderLength = EntrySerializer.HeaderLength;

    /// <summary>Whether no holder of a value can change it, so that all may hold the same.</summary>
    public bool IsImmutable { get; } =
        typeof(T) == typeof(string) || !RuntimeHelpers.IsReferenceOrContainsReferences<T>() ||
        (typeof(T).IsSealed && typeof(T).GetCustomAttribute<ImmutableObjectAttribute>(inherit: false) is { Immutable: true });

    public byte[] Write(T value, ushort version)
    {
        var target = new ArrayBufferWriter<byte>(256);
        var header = target.GetSpan(HeaderLength);
        header[0] = Form;
        header[1] = value is null ? (byte)1 : (byte)0;
        header[2] = (byte)(version >> 8);
        header[3] = (byte)version;
        target.Advance(HeaderLength);
        if (value is not null) serializer.Serialize(value, target);
        return target.WrittenSpan.ToArray();
    }

    /// <returns>False: of another form or shape, or not readable: a miss.</returns>
    public bool TryRead(byte[] payload, ushort version, out T value)
    {
        value = default!;
        if (payload.Length < HeaderLength || payload[0] != Form || payload[1] > 1 || payload[2] << 8 != (version & 0xff00) || payload[3] != (byte)version) return false;
        if (payload[1] == 1) return default(T) is null;
        try
        {
            value = serializer.Deserialize(new ReadOnlySequence<byte>(payload, HeaderLength, payload.Length - HeaderLength));
            return true;
        }
        catch (Exception)
        {
            // Whatever a serializer makes of bytes that another version of it wrote: the value can be loaded.
            return false;
        }
    }
}
