using System.Diagnostics;

namespace IntegrationTests.Freshness;

/// <summary>The judge itself, on histories made by hand: one that can't find anything would be worth nothing.</summary>
public class JudgeTests
{
    private static readonly long Ms = Stopwatch.Frequency / 1000;

    [Fact]
    public void Yes_after_a_revoke_was_answered_is_stale()
    {
        var right = Right(isOn: true, new Flip(100, 200, IsOn: false));
        var findings = Judged(Asked(right, 50, 60, yes: true), Asked(right, 201, 210, yes: true), Asked(right, 220, 230, yes: true));
        Assert.Equal((3L, 2L, 2L), (findings.Asks, findings.Stale, findings.AsksUntilFirst));
        Assert.NotNull(findings.First);
    }

    [Fact]
    public void No_after_a_grant_was_answered_is_stale()
    {
        var right = Right(isOn: false, new Flip(100, 200, IsOn: true));
        Assert.Equal(1, Judged(Asked(right, 201, 210, yes: false)).Stale);
    }

    [Fact]
    public void What_was_never_changed_is_what_it_was()
    {
        Assert.Equal(1, Judged(Asked(Right(isOn: true), 10, 20, yes: false)).Stale);
        Assert.Equal(1, Judged(Asked(Right(isOn: false), 10, 20, yes: true)).Stale);
        Assert.Equal(0, Judged(Asked(Right(isOn: true), 10, 20, yes: true)).Stale);
    }

    [Theory]
    [InlineData(50, 101)]    // began before the revoke, ended in it
    [InlineData(50, 300)]    // around all of it
    [InlineData(150, 160)]   // within it
    [InlineData(200, 300)]   // began at the instant of its answer
    public void Beside_a_change_either_answer_is_right(long start, long end)
    {
        var right = Right(isOn: true, new Flip(100, 200, IsOn: false));
        var findings = Judged(Asked(right, start, end, yes: true), Asked(right, start, end, yes: false));
        Assert.Equal((0L, 2L), (findings.Stale, findings.Undecided));
    }

    [Fact]
    public void Before_a_change_only_the_old_answer_is_right()
    {
        var right = Right(isOn: true, new Flip(100, 200, IsOn: false));
        Assert.Equal(1, Judged(Asked(right, 50, 100, yes: false)).Stale);
        Assert.Equal(0, Judged(Asked(right, 50, 100, yes: true)).Stale);
    }

    [Fact]
    public void Yes_after_a_revoke_is_right_once_the_next_grant_has_begun()
    {
        var right = Right(isOn: true, new Flip(100, 200, IsOn: false), new Flip(300, 400, IsOn: true));
        Assert.Equal(0, Judged(Asked(right, 250, 301, yes: true)).Stale);
        Assert.Equal(1, Judged(Asked(right, 250, 300, yes: true)).Stale);
        Assert.Equal(1, Judged(Asked(right, 401, 410, yes: false)).Stale);
    }

    // Its outcome is not known: the connection broke, and nobody has said since that it is done.
    [Fact]
    public void A_call_without_an_answer_may_have_happened_at_any_time_since_its_start()
    {
        var right = Right(isOn: true, new Flip(100, Flip.NotYet, IsOn: false));
        Assert.Equal(0, Judged(Asked(right, 5000, 6000, yes: true), Asked(right, 7000, 8000, yes: false)).Stale);
        Assert.Equal(1, Judged(Asked(right, 50, 60, yes: false)).Stale);
    }

    [Fact]
    public void A_repeated_call_counts_from_its_first_start_to_its_last_answer()
    {
        var right = new RightSwitch("rights", "r", isOn: true, "p:a", "", 1);
        right.Begin(on: false, 100);
        var judge = new Judge();
        judge.Add(Asked(right, 500, 600, yes: true));
        right.End(700);
        judge.Add(Asked(right, 699, 710, yes: true));
        Assert.Equal(0, judge.Findings.Stale);
        judge.Add(Asked(right, 701, 710, yes: true));
        Assert.Equal(1, judge.Findings.Stale);
    }

    [Fact]
    public void Revoking_what_is_revoked_leaves_it_revoked()
    {
        var right = Right(isOn: true, new Flip(100, 200, IsOn: false), new Flip(300, 400, IsOn: false));
        Assert.Equal(1, Judged(Asked(right, 401, 410, yes: true)).Stale);
        Assert.Equal(0, Judged(Asked(right, 401, 410, yes: false)).Stale);
    }

    [Fact]
    public void Switches_do_not_mix()
    {
        var revoked = Right(isOn: true, new Flip(100, 200, IsOn: false));
        Assert.Equal(0, Judged(Asked(Right(isOn: true), 300, 310, yes: true), Asked(revoked, 300, 310, yes: false)).Stale);
    }

    [Fact]
    public void Soon_after_a_change_counts_where_the_process_had_answered_before()
    {
        var right = Right(isOn: true, new Flip(100, 200, IsOn: false));
        var findings = Judged(
            Asked(right, 10, 20, yes: true, node: 1),
            Asked(right, 200 + (10 * Ms), 201 + (10 * Ms), yes: false, node: 1),
            Asked(right, 200 + (60 * Ms), 201 + (60 * Ms), yes: false, node: 1),
            Asked(right, 200 + (10 * Ms), 201 + (10 * Ms), yes: false, node: 2),
            Asked(right, 200 + (20 * Ms), 201 + (20 * Ms), yes: false, node: 2));   // what it has it has loaded since
        Assert.Equal((0L, 1L), (findings.Stale, findings.SoonAfter));
    }

    [Fact]
    public void A_switch_has_one_change_at_a_time()
    {
        var right = Right(isOn: true);
        right.Begin(on: false, 1);
        Assert.Throws<InvalidOperationException>(() => right.Begin(on: true, 2));
    }

    private static RightSwitch Right(bool isOn, params Flip[] flips)
    {
        var right = new RightSwitch("rights", "r", isOn, "p:a", "", 1);
        foreach (var flip in flips)
        {
            right.Begin(flip.IsOn, flip.Start);
            if (flip.End != Flip.NotYet) right.End(flip.End);
        }

        return right;
    }

    private static Ask Asked(Switch about, long start, long end, bool yes, int node = 0) => new(about, node, start, end, yes);

    private static Findings Judged(params Ask[] asks)
    {
        var judge = new Judge();
        foreach (var ask in asks) judge.Add(ask);
        return judge.Findings;
    }
}
