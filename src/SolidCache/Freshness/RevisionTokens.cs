using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace SolidCache.Freshness;

/// <summary>
/// Revisions as texts: base64url of a MAC (16 bytes of HMAC-SHA-256), the epoch, the transactions, and, where there are at most eight, the tags with
/// their versions, with which a node need not ask the server.
/// </summary>
internal sealed class RevisionTokens(FreshnessOptions options, FreshnessState state, InvalidationPoll poll, TimeProvider clock)
{
    private const int MacLength = 16;
    private const int EpochLength = 16;
    private const int MaxTransactions = 32;
    private const int MaxTags = 8;
    private const int LongestText = 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    // What a node knows is asked for far more often than it changes.
    private volatile Written? _last;

    public string Write(Revision revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        if (_last is { } last && IsSame(last.Revision, revision)) return last.Text;
        var text = WriteAnew(revision);
        _last = new Written(revision, text);
        return text;
    }

    private string WriteAnew(Revision revision)
    {
        if (revision.Xids.Length > MaxTransactions) throw new ArgumentException($"A token stands for at most {MaxTransactions} changes.", nameof(revision));
        var tags = revision.TagHashes.Length <= MaxTags ? revision.TagHashes.Length : 0;
        var bytes = new byte[MacLength + EpochLength + 1 + (8 * revision.Xids.Length) + 1 + (16 * tags)];
        var rest = bytes.AsSpan(MacLength);
        revision.Epoch.TryWriteBytes(rest);
        rest = rest[EpochLength..];
        rest[0] = (byte)revision.Xids.Length;
        rest = rest[1..];
        foreach (var xid in revision.Xids) rest = Put(rest, unchecked((long)xid));
        rest[0] = (byte)tags;
        rest = rest[1..];
        for (var i = 0; i < tags; i++) rest = Put(Put(rest, revision.TagHashes[i]), revision.Versions[i]);
        Mac(bytes.AsSpan(MacLength)).CopyTo(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    /// <returns>False: not ours, or of another epoch.</returns>
    public async ValueTask<bool> AcceptAsync(string text, CancellationToken ct)
    {
        if (!TryRead(text, out var revision)) return false;
        if (revision.IsEmpty && revision.Xids.Length == 0) return true;   // it names nothing: there is nothing to be older than
        if (state.Lease.Era?.Epoch != revision.Epoch) return false;
        if (!revision.IsEmpty)
        {
            state.Learn(revision);
            return true;
        }

        // Too many tags to carry: their transactions become visible to a poll.
        while (!Array.TrueForAll(revision.Xids, state.Lease.Snapshot.Sees))
        {
            poll.Wake();
            await Task.Delay(Pause, clock, ct).ConfigureAwait(false);
            if (state.Lease.Era?.Epoch != revision.Epoch) return false;
        }

        return true;
    }

    private bool TryRead(string text, out Revision revision)
    {
        revision = Revision.None;
        if (text is not { Length: > 0 and <= LongestText } || !Base64Url.IsValid(text)) return false;
        byte[] bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length < MacLength + EpochLength + 2) return false;
        // The last characters of base64 have spare bits: one text per token.
        if (Base64Url.EncodeToString(bytes) != text) return false;
        if (!CryptographicOperations.FixedTimeEquals(Mac(bytes.AsSpan(MacLength)), bytes.AsSpan(0, MacLength))) return false;

        // What carries our MAC was written above.
        var rest = bytes.AsSpan(MacLength);
        var epoch = new Guid(rest[..EpochLength]);
        rest = rest[EpochLength..];
        var xids = new ulong[rest[0]];
        rest = rest[1..];
        for (var i = 0; i < xids.Length; i++, rest = rest[8..]) xids[i] = BinaryPrimitives.ReadUInt64BigEndian(rest);
        var (tags, versions) = (new long[rest[0]], new long[rest[0]]);
        rest = rest[1..];
        for (var i = 0; i < tags.Length; i++, rest = rest[16..])
            (tags[i], versions[i]) = (BinaryPrimitives.ReadInt64BigEndian(rest), BinaryPrimitives.ReadInt64BigEndian(rest[8..]));
        revision = new Revision(epoch, xids, tags, versions);
        return true;
    }

    private static bool IsSame(Revision one, Revision other) =>
        one.Epoch == other.Epoch && one.Xids.AsSpan().SequenceEqual(other.Xids) && one.TagHashes.AsSpan().SequenceEqual(other.TagHashes) && one.Versions.AsSpan().SequenceEqual(other.Versions);

    private static Span<byte> Put(Span<byte> target, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(target, value);
        return target[8..];
    }

    private byte[] Mac(ReadOnlySpan<byte> content) =>
        HMACSHA256.HashData(options.TokenKey ?? throw new InvalidOperationException("Tokens need Freshness.TokenKey."), content)[..MacLength];

    private sealed record Written(Revision Revision, string Text);
}
