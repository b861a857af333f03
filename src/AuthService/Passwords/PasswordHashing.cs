using System.Diagnostics.Metrics;
using System.Security.Cryptography;

namespace AuthService.Passwords;

/// <summary>What a stored hash says about a password.</summary>
/// <param name="Matches">The password is the one the hash was made of.</param>
/// <param name="NeedsRehash">It matches, and the hash is weaker than one made today: store a new one.</param>
internal readonly record struct PasswordVerdict(bool Matches, bool NeedsRehash);

/// <summary>
/// Makes and checks stored passwords, at most <see cref="PasswordOptions.MaxConcurrentHashes"/> at a time. Each call costs one
/// hash, whatever the account looks like; surplus calls get <see cref="PasswordsProblems.Busy"/>.
/// </summary>
internal sealed class PasswordHashing : IDisposable
{
    public const string MeterName = "AuthService.Passwords";

    private static readonly KeyValuePair<string, object?> KindHash = new("kind", "hash");
    private static readonly KeyValuePair<string, object?> KindVerify = new("kind", "verify");

    private readonly PasswordOptions _options;
    private readonly HashThreads _threads;
    private readonly Meter _meter;
    private readonly Counter<long> _hashes;
    private long _hashCount;

    /// <exception cref="DllNotFoundException">libsodium is not installed; the message names the package.</exception>
    public PasswordHashing(PasswordOptions options, TimeProvider clock)
    {
        Argon2id.Load();
        _options = options;
        Decoy = Argon2id.Hash(RandomNumberGenerator.GetHexString(64), options.MemoryKiB, options.Iterations);
        // A core that hashes is of no use to a refresh for milliseconds, whatever the priorities say: one stays free (docs/decisions/0017).
        var threads = options.MaxConcurrentHashes > 0 ? options.MaxConcurrentHashes : Math.Max(1, Environment.ProcessorCount - 1);
        Threads = threads;
        _threads = new HashThreads(threads, options.QueueLength, options.QueueTimeout, clock);
        _meter = new Meter(MeterName);
        _hashes = _meter.CreateCounter<long>("authservice.passwords.hashes", "{hash}", "Argon2id computations, by kind: hash, verify.");
        _meter.CreateObservableGauge("authservice.passwords.waiting", () => _threads.Waiting, "{hash}", "Hashes that wait for a thread.");
        _meter.CreateObservableCounter("authservice.passwords.refused", () => _threads.Refused, "{hash}", "Hashes answered 503: no room, or no turn in time.");
    }

    /// <summary>How many are computed at a time.</summary>
    public int Threads { get; }

    /// <summary>Calls that wait for a thread.</summary>
    public int Waiting => _threads.Waiting;

    /// <summary>Calls that were answered 503 since start.</summary>
    public long Refused => _threads.Refused;

    /// <summary>Argon2id computations since start, the decoy's own not counted. A test of equal work compares it.</summary>
    internal long HashCount => Interlocked.Read(ref _hashCount);

    /// <summary>The hash of nothing anyone knows, checked where there is none to check.</summary>
    internal string Decoy { get; }

    /// <summary>The text to store: a PHC string with a salt of its own.</summary>
    /// <param name="password">One that <see cref="PasswordPolicy"/> accepts; any other text of at most 1,024 UTF-8 bytes works too.</param>
    /// <param name="ct">Drops the hash if it has not begun.</param>
    /// <exception cref="ArgumentException">The password is longer, or not valid UTF-16.</exception>
    public ValueTask<Outcome<string>> HashAsync(string password, CancellationToken ct) => RunAsync(() => Hash(password), ct);

    /// <summary>Whether the password is the stored one.</summary>
    /// <param name="password">Any text. What could never have been stored does not match, after the usual work.</param>
    /// <param name="storedHash">What <see cref="HashAsync"/> returned, or what another system did (<see cref="ForeignHash"/>). Null, for an account that
    /// does not exist, and text that is neither cost the same as a hash made today, and never match.</param>
    /// <param name="ct">Drops the check if it has not begun.</param>
    public ValueTask<Outcome<PasswordVerdict>> VerifyAsync(string password, string? storedHash, CancellationToken ct) => RunAsync(() => Verify(password, storedHash), ct);

    public void Dispose()
    {
        _threads.Dispose();
        _meter.Dispose();
    }

    private async ValueTask<Outcome<T>> RunAsync<T>(Func<T> work, CancellationToken ct) where T : notnull
    {
        using var wait = TimeSpent.InHash();
        return await _threads.RunAsync(work, ct);
    }

    private string Hash(string password)
    {
        Count(KindHash);
        return Argon2id.Hash(password, _options.MemoryKiB, _options.Iterations);
    }

    private PasswordVerdict Verify(string password, string? storedHash)
    {
        Count(KindVerify);
        if (!PhcHash.TryParse(storedHash, out var parameters))
        {
            if (storedHash is not null && ForeignHash.Verify(password, storedHash) is { } isTheirs) return new PasswordVerdict(isTheirs, NeedsRehash: isTheirs);
            _ = Argon2id.Verify(password, Decoy);
            return default;
        }
        var matches = Argon2id.Verify(password, storedHash!);
        return new PasswordVerdict(matches, matches && parameters.IsWeakerThan(_options.MemoryKiB, _options.Iterations));
    }

    private void Count(KeyValuePair<string, object?> kind)
    {
        Interlocked.Increment(ref _hashCount);
        _hashes.Add(1, kind);
    }
}
