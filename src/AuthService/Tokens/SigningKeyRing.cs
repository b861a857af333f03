namespace AuthService.Tokens;

/// <summary>
/// A node cannot say which keys are good: it has not reached the database for <see cref="SigningKeyRing.StalenessLimit"/>, or
/// not yet. Answered with 503; a 401 would make clients throw good tokens away.
/// </summary>
internal sealed class SigningKeysUnavailableException(Exception? cause = null)
    : Exception("The signing keys could not be read from the database for too long.", cause);

/// <summary>
/// The keys a node signs and verifies with: an unchanging snapshot, replaced whole when the database has others. Reading it
/// takes no lock.
/// </summary>
/// <param name="load">Reads the keys in use; <see cref="LoadSigningKeys"/> outside of tests.</param>
internal sealed class SigningKeyRing(Func<CancellationToken, Task<IReadOnlyList<SigningKey>>> load, TimeProvider clock) : IDisposable
{
    /// <summary>
    /// How long a node goes on with the keys it has when it can't read them anew. Long enough for a restart or failover of
    /// the database; short, because such a node does not hear that a key was distrusted, and because it may sign with a key
    /// that has been replaced: replaced keys stay public this much longer (<see cref="TokenOptions.VerifyWindow"/>).
    /// </summary>
    public static readonly TimeSpan StalenessLimit = TimeSpan.FromSeconds(30);

    // Tokens that name an unknown key make the node look again, but not more often than this: anyone can send such tokens.
    private static readonly TimeSpan LookAgainInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LoadTimeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _oneLoad = new(1);
    private volatile Loaded? _loaded;
    private long _lookedAgainAt;

    /// <summary>The keys as of at most <see cref="StalenessLimit"/> ago.</summary>
    /// <exception cref="SigningKeysUnavailableException">There are none that young.</exception>
    public SigningKeySnapshot Current => Fresh ?? throw new SigningKeysUnavailableException();

    public bool IsUsable => Fresh is not null;

    private SigningKeySnapshot? Fresh => _loaded is { } loaded && clock.GetElapsedTime(loaded.At) <= StalenessLimit ? loaded.Snapshot : null;

    /// <summary>Reads the keys anew. If that fails, what was read before stays in use until it is too old.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or no answer within 5 s.</exception>
    public async Task ReloadAsync(CancellationToken ct)
    {
        await _oneLoad.WaitAsync(ct);
        try
        {
            // Before the question is sent: the keys are as of then or later.
            var at = clock.GetTimestamp();
            using var timeout = new CancellationTokenSource(LoadTimeout, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, timeout.Token);
            var keys = await load(either.Token);
            var snapshot = _loaded is { } loaded && AreSame(loaded.Snapshot.Keys, keys) ? loaded.Snapshot : new SigningKeySnapshot(keys);
            _loaded = new Loaded(snapshot, at);
        }
        finally
        {
            _oneLoad.Release();
        }
    }

    /// <summary>
    /// For a token under a key this node doesn't know, which another node may have made a moment ago. At most one look per
    /// second; calls meanwhile wait for the one under way, or return at once.
    /// </summary>
    /// <returns>Whether the keys were read since: verify again. False: the key is unknown for now.</returns>
    /// <exception cref="SigningKeysUnavailableException">The database could not be asked, so the token may be good.</exception>
    public async ValueTask<bool> LookAgainAsync(CancellationToken ct)
    {
        if (!MayLookAgain())
        {
            if (_oneLoad.CurrentCount > 0) return false;
            await _oneLoad.WaitAsync(ct);
            _oneLoad.Release();
            return true;
        }
        try
        {
            await ReloadAsync(ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            throw new SigningKeysUnavailableException(e);
        }
    }

    public void Dispose() => _oneLoad.Dispose();

    private bool MayLookAgain()
    {
        var last = Interlocked.Read(ref _lookedAgainAt);
        var now = clock.GetTimestamp();
        return (last == 0 || clock.GetElapsedTime(last, now) >= LookAgainInterval)
            && Interlocked.CompareExchange(ref _lookedAgainAt, now, last) == last;
    }

    private static bool AreSame(IReadOnlyList<SigningKey> left, IReadOnlyList<SigningKey> right)
    {
        if (left.Count != right.Count) return false;
        for (var i = 0; i < left.Count; i++)
        {
            if (left[i] != right[i]) return false;
        }
        return true;
    }

    private sealed record Loaded(SigningKeySnapshot Snapshot, long At);
}
