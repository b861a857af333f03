using AuthService.Tokens;

namespace UnitTests.Tokens;

public sealed class SigningKeyRingTests
{
    private static readonly Es256Key First = Es256Key.Create();
    private static readonly Es256Key Second = Es256Key.Create();
    private static readonly AccessTokenSubject Subject = new(1, Guid.Empty, DateTimeOffset.UnixEpoch, ["pwd"], [], []);

    private readonly ManualClock _clock = new();
    private SigningKey[] _stored = [TestKeys.Active(First)];
    private bool _isDown;
    private TaskCompletionSource? _gate;
    private int _loads;

    // T06, on one node: whose turn it is decides who signs; who signed is good as long as the key is in use.
    [Fact]
    public async Task After_a_rotation_new_tokens_carry_the_new_key_and_old_ones_still_verify()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var old = tokens.Issue(Subject);

        _stored = [TestKeys.Active(Second), TestKeys.Retiring(First)];
        await ring.ReloadAsync(default);

        Assert.Equal(Second.Kid, tokens.Verify(tokens.Issue(Subject))?.Kid);
        Assert.Equal(First.Kid, tokens.Verify(old)?.Kid);
    }

    [Fact]
    public async Task Tokens_under_a_key_that_is_gone_are_refused_from_the_next_load_on()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var old = tokens.Issue(Subject);

        _stored = [TestKeys.Active(Second)];
        await ring.ReloadAsync(default);

        Assert.Null(tokens.Verify(old));
    }

    // Answer null without looking and tokens of a node that is a moment ahead are refused by all others.
    [Fact]
    public async Task A_token_under_an_unknown_key_makes_the_node_look_again()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var token = await IssueElsewhereAsync(Second);
        _stored = [TestKeys.Active(Second), TestKeys.Retiring(First)];

        Assert.Null(tokens.Verify(token));
        Assert.NotNull(await tokens.VerifyAsync(token, default));
        Assert.NotNull(tokens.Verify(token));
    }

    // Take the interval away and every such token is a query.
    [Fact]
    public async Task Tokens_under_made_up_keys_cost_one_look_a_second_however_many_come()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var forged = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => IssueElsewhereAsync(Es256Key.Create())));
        var before = _loads;

        foreach (var token in forged) Assert.Null(await tokens.VerifyAsync(token, default));
        Assert.Equal(1, _loads - before);

        _clock.Advance(TimeSpan.FromSeconds(1));
        foreach (var token in forged) Assert.Null(await tokens.VerifyAsync(token, default));
        Assert.Equal(2, _loads - before);
    }

    // Return false while a look is under way and all but one of these are refused, although their key is on its way.
    [Fact]
    public async Task Tokens_that_arrive_while_the_node_looks_wait_for_what_it_finds()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var token = await IssueElsewhereAsync(Second);
        _stored = [TestKeys.Active(Second), TestKeys.Retiring(First)];
        _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var verifications = Enumerable.Range(0, 5).Select(_ => tokens.VerifyAsync(token, default).AsTask()).ToArray();
        Assert.All(verifications, verification => Assert.False(verification.IsCompleted));
        _gate.SetResult();

        Assert.All(await Task.WhenAll(verifications), Assert.NotNull);
        Assert.Equal(2, _loads);
    }

    [Fact]
    public async Task Text_that_is_no_token_of_ours_costs_no_look()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var before = _loads;
        var token = tokens.Issue(Subject);
        foreach (var text in new[] { "", "x", token[1..], token + "x", token.Replace('.', 'x'), TestKeys.Forge(First, """{"alg":"none"}""", "{}") })
        {
            Assert.Null(await tokens.VerifyAsync(text, default));
        }
        Assert.Equal(before, _loads);
    }

    [Fact]
    public async Task A_failed_load_leaves_the_keys_in_use_until_they_are_too_old()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var token = tokens.Issue(Subject);
        _isDown = true;

        await Assert.ThrowsAsync<IOException>(() => ring.ReloadAsync(default));
        _clock.Advance(SigningKeyRing.StalenessLimit);
        Assert.NotNull(tokens.Verify(token));
        Assert.NotNull(tokens.Issue(Subject));

        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Throws<SigningKeysUnavailableException>(() => tokens.Verify(token));
        Assert.Throws<SigningKeysUnavailableException>(() => tokens.Issue(Subject));

        _isDown = false;
        await ring.ReloadAsync(default);
        Assert.NotNull(tokens.Verify(token));
    }

    // Not null: the client would take it for a 401 and throw a good token away.
    [Fact]
    public async Task A_token_under_an_unknown_key_is_not_refused_while_the_database_can_not_be_asked()
    {
        using var ring = await StartAsync();
        var tokens = new AccessTokens(ring, new TokenOptions(), _clock);
        var token = await IssueElsewhereAsync(Second);
        _isDown = true;
        await Assert.ThrowsAsync<SigningKeysUnavailableException>(async () => await tokens.VerifyAsync(token, default));
    }

    [Fact]
    public void Before_the_first_load_there_is_nothing_to_sign_or_verify_with()
    {
        using var ring = new SigningKeyRing(_ => Task.FromResult<IReadOnlyList<SigningKey>>([]), _clock);
        Assert.Throws<SigningKeysUnavailableException>(() => ring.Current);
    }

    [Fact]
    public async Task Unchanged_keys_keep_their_snapshot()
    {
        using var ring = await StartAsync();
        var before = ring.Current;
        _stored = [TestKeys.Active(First)];
        await ring.ReloadAsync(default);
        Assert.Same(before, ring.Current);
    }

    [Fact]
    public void There_is_always_exactly_one_key_that_signs()
    {
        Assert.Throws<InvalidOperationException>(() => new SigningKeySnapshot([TestKeys.Next(First)]));
        Assert.Throws<InvalidOperationException>(() => new SigningKeySnapshot([TestKeys.Active(First), TestKeys.Active(Second)]));
    }

    private async Task<SigningKeyRing> StartAsync()
    {
        var ring = new SigningKeyRing(
            async _ =>
            {
                _loads++;
                if (_gate is not null) await _gate.Task;
                return _isDown ? throw new IOException("down") : _stored;
            },
            _clock);
        await ring.ReloadAsync(default);
        return ring;
    }

    private async Task<string> IssueElsewhereAsync(Es256Key key)
    {
        using var ring = await TestKeys.RingAsync(_clock, TestKeys.Active(key));
        return new AccessTokens(ring, new TokenOptions(), _clock).Issue(Subject);
    }
}
