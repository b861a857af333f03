namespace IntegrationTests.SolidCache.Freshness;

/// <summary>The checker itself, on histories made by hand: one that can't fail would be worth nothing.</summary>
public class HistoryTests
{
    [Fact]
    public void An_older_number_after_the_answer_is_stale()
    {
        var verdict = History.Judge([new(100, 1, 5), new(200, 1, 6)], [[Asked(150, 1, 5), Asked(201, 1, 5)]]);
        Assert.Equal((1, 2L), (verdict.StaleCount, verdict.ChecksUntilFirst));
        Assert.Equal((201, 6L, 200L), (verdict.First!.Value.Check.Start, verdict.First.Value.Floor, verdict.First.Value.AnsweredAt));
    }

    [Fact]
    public void A_question_that_began_before_the_answer_may_be_told_either_number()
    {
        var verdict = History.Judge([new(200, 1, 6)], [[new(199, 300, 1, true, 5), new(310, 320, 1, true, 6)], [new(200, 300, 1, true, 5)]]);
        Assert.Equal((0, 3L), (verdict.StaleCount, verdict.Checks));
    }

    [Fact]
    public void A_newer_number_is_never_stale() => Assert.Equal(0, History.Judge([new(100, 1, 5)], [[Asked(150, 1, 7)]]).StaleCount);

    [Fact]
    public void Subjects_do_not_mix() => Assert.Equal(0, History.Judge([new(100, 1, 5)], [[Asked(150, 2, 1)]]).StaleCount);

    [Fact]
    public void Answers_count_by_their_highest_number_whatever_their_order()
    {
        // Two changes at once: the later number may be answered first.
        var verdict = History.Judge([new(120, 1, 5), new(110, 1, 6)], [[Asked(130, 1, 6), Asked(140, 1, 5)]]);
        Assert.Equal((1, 140L), (verdict.StaleCount, verdict.First!.Value.Check.Start));
    }

    [Fact]
    public void Every_stream_is_judged_and_the_earliest_is_told()
    {
        var verdict = History.Judge([new(100, 1, 5)], [[Asked(300, 1, 4)], [Asked(50, 1, 4), Asked(200, 1, 4)]]);
        Assert.Equal((2, 1, 2L), (verdict.StaleCount, verdict.First!.Value.Stream, verdict.ChecksUntilFirst));
    }

    [Fact]
    public void Soon_after_an_answer_counts_where_the_entry_was_held_before()
    {
        const long ms = 1_000_000;
        var held = new[] { Asked(50, 1, 4), Asked(100 + (10 * ms), 1, 5), Asked(100 + (60 * ms), 1, 5) };
        var cold = new[] { Asked(100 + (10 * ms), 1, 5) };
        Assert.Equal(1, History.Judge([new(100, 1, 5)], [held, cold]).SoonAfter);
    }

    private static Check Asked(long start, int subject, long seq) => new(start, start + 1, subject, true, seq);
}
