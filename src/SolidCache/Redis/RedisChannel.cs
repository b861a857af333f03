using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using SolidCache.Freshness;
using SolidCache.Redis.Resp;

namespace SolidCache.Redis;

/// <summary>
/// PUBLISH and SUBSCRIBE: what a change made invalid reaches the other nodes before they ask. A message that is lost costs time, one that comes twice or
/// late says what is known, and one that is not ours says nothing: the MAC is over the channel's name, the epoch and all versions.
/// </summary>
internal sealed partial class RedisChannel(RedisClient client, string schema, byte[] secret, FreshnessOptions options, FreshnessState state, TimeProvider clock, ILogger logger) : IInvalidationChannel
{
    // Of a larger change the message only says that there is one; the poll brings it.
    private const int MaxTags = 1024;
    private const int HeaderLength = EntryMac.Length + 16;

    private readonly string _channel = FormattableString.Invariant($"solid_cache:{TagHash.Of(schema):x16}");

    public bool Publish(Revision revision)
    {
        if (!client.IsConnected) return false;
        var message = Write(revision);
        var sent = client.PublishAsync(_channel, message, CancellationToken.None);
        if (!sent.IsCompletedSuccessfully)
            _ = sent.AsTask().ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return true;
    }

    public async Task ListenAsync(Action changed, CancellationToken ct)
    {
        using var subscription = client.Subscribe(_channel, message => Receive(message, changed), changed);
        await Task.Delay(Timeout.InfiniteTimeSpan, clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    internal byte[] Write(Revision revision)
    {
        var tags = revision.TagHashes.Length <= MaxTags ? revision.TagHashes.Length : 0;
        var bytes = new byte[HeaderLength + (16 * tags)];
        revision.Epoch.TryWriteBytes(bytes.AsSpan(EntryMac.Length));
        var rest = bytes.AsSpan(HeaderLength);
        for (var i = 0; i < tags; i++, rest = rest[16..])
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, revision.TagHashes[i]);
            BinaryPrimitives.WriteInt64BigEndian(rest[8..], revision.Versions[i]);
        }

        EntryMac.Write(secret, _channel, bytes.AsSpan(EntryMac.Length), bytes);
        return bytes;
    }

    internal void Receive(ReadOnlySpan<byte> message, Action changed)
    {
        if (message.Length < HeaderLength || (message.Length - HeaderLength) % 16 != 0 || !EntryMac.IsRight(secret, _channel, message[EntryMac.Length..], message[..EntryMac.Length]))
        {
            CacheTelemetry.RedisForged();
            LogForeign();
            return;
        }

        var rest = message[HeaderLength..];
        var (tags, versions) = (new long[rest.Length / 16], new long[rest.Length / 16]);
        for (var i = 0; i < tags.Length; i++, rest = rest[16..])
            (tags[i], versions[i]) = (BinaryPrimitives.ReadInt64BigEndian(rest), BinaryPrimitives.ReadInt64BigEndian(rest[8..]));
        // Of another epoch it changes nothing.
        if (tags.Length > 0 && !options.IsOff(Mechanisms.Stamp)) state.Learn(new Revision(new Guid(message[EntryMac.Length..HeaderLength]), [], tags, versions));
        // The poll confirms it, and lets this node say that it has it.
        changed();
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "A message on the channel of invalidations is not of this installation.")]
    private partial void LogForeign();
}
