using AuthService.Health;

namespace UnitTests.Health;

public class JointLookTests
{
    // Begin a look for each question and the first count is 100; forget the time and the last is 1.
    [Fact]
    public async Task Whoever_asks_while_one_looks_is_told_what_it_finds_and_later_somebody_looks_again()
    {
        var (clock, looks, held) = (new ManualClock(), 0, new TaskCompletionSource());
        var look = new JointLook<int>(async () =>
        {
            var number = Interlocked.Increment(ref looks);
            await held.Task;
            return number;
        }, TimeSpan.FromSeconds(1), clock);

        var asking = Enumerable.Range(0, 100).Select(_ => look.LatestAsync(CancellationToken.None)).ToArray();
        held.SetResult();
        Assert.All(await Task.WhenAll(asking), number => Assert.Equal(1, number));
        clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(1, await look.LatestAsync(CancellationToken.None));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, await look.LatestAsync(CancellationToken.None));
    }

    // Pass the caller's token to the look and the others get nothing.
    [Fact]
    public async Task One_who_leaves_ends_the_look_for_nobody_else()
    {
        var held = new TaskCompletionSource();
        var look = new JointLook<int>(async () =>
        {
            await held.Task;
            return 7;
        }, TimeSpan.FromSeconds(1), new ManualClock());
        using var leaves = new CancellationTokenSource();
        var (leaving, staying) = (look.LatestAsync(leaves.Token), look.LatestAsync(CancellationToken.None));
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        held.SetResult();
        Assert.Equal(7, await staying);
    }
}
