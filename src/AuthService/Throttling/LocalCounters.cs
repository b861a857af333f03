namespace AuthService.Throttling;

/// <summary>Counts in this process. The rules, and what RedisCounters.*.lua has to agree with.</summary>
internal sealed class LocalCounters(ThrottlingOptions options, TimeProvider clock) : ICounters
{
    // Apart, so that a flood of one kind displaces none of another.
    private readonly CounterTable _looks = new(options.LocalCounters);
    private readonly CounterTable _windows = new(options.LocalCounters);
    private readonly CounterTable _sessions = new(options.LocalCounters);

    public ValueTask<Look> BeginLookAsync(CounterKey key, LookRule rule) => ValueTask.FromResult(BeginLook(key, rule));

    public ValueTask EndLookAsync(CounterKey key, Look look, LookEnd end)
    {
        EndLook(key, look.Rule, end);
        return ValueTask.CompletedTask;
    }

    public ValueTask<Tally> CountAsync(CounterKey key, WindowRule rule) => ValueTask.FromResult(Count(key, rule));

    public ValueTask UncountAsync(CounterKey key, Tally counted)
    {
        Uncount(key);
        return ValueTask.CompletedTask;
    }

    public Look BeginLook(CounterKey key, LookRule rule)
    {
        var now = clock.GetTimestamp();
        return _looks.Use(key, now, (rule, now, counters: this), static (ref entry, s) =>
        {
            if (entry.Until > s.now || entry.Count >= s.rule.StopAfter) return new Look(RefusalOf(entry, s.rule), entry.Count, s.rule, IsLocal: true);

            if (s.now - entry.BeganAt > s.counters.Ticks(LookRule.LongestLook)) entry.Looking = 0;
            entry.BeganAt = s.now;
            entry.Count++;
            entry.Looking++;
            var delay = s.rule.DelayAfter(entry.Count);
            entry.Until = delay > TimeSpan.Zero ? s.now + s.counters.Ticks(delay) : 0;
            entry.ExpiresAt = s.now + s.counters.Ticks(s.rule.Memory);
            return new Look(Verdict.May, entry.Count, s.rule, IsLocal: true);
        });
    }

    public void EndLook(CounterKey key, LookRule rule, LookEnd end)
    {
        var now = clock.GetTimestamp();
        if (_looks.Read(key, now).Count == 0) return;   // displaced; it must not displace another for this
        _looks.Use(key, now, (rule, end), static (ref entry, s) =>
        {
            entry.Looking = Math.Max(0, entry.Looking - 1);
            if (s.end == LookEnd.Succeeded) entry.Count = entry.Looking;   // those under way go on counting as failed
            if (s.end == LookEnd.NotLooked) entry.Count = Math.Max(0, entry.Count - 1);
            if (entry.Count < s.rule.Free) entry.Until = 0;
            if (entry.Count == 0) entry = default;
            return true;
        });
    }

    /// <summary>Whether looks are refused here now; counts nothing.</summary>
    public bool Refuses(CounterKey key, LookRule rule)
    {
        var now = clock.GetTimestamp();
        var entry = _looks.Read(key, now);
        return entry.Until > now && RefusalOf(entry, rule) == Verdict.Refused;
    }

    public Tally Count(CounterKey key, WindowRule rule)
    {
        var now = clock.GetTimestamp();
        return TableOf(key).Use(key, now, (rule, now, counters: this), static (ref entry, s) =>
        {
            if (entry.Until == 0) entry.Until = entry.ExpiresAt = s.now + s.counters.Ticks(s.rule.Window);
            var isOver = entry.Count >= s.rule.Limit;
            var isFirst = isOver && !entry.IsTold;
            if (isOver) entry.IsTold = true;
            else entry.Count++;
            return new Tally(isOver, entry.Count, s.counters.Span(entry.Until - s.now), isFirst, s.rule, IsLocal: true);
        });
    }

    public void Uncount(CounterKey key)
    {
        var now = clock.GetTimestamp();
        if (TableOf(key).Read(key, now).Count == 0) return;
        TableOf(key).Use(key, now, 0, static (ref entry, _) => entry.Count = Math.Max(0, entry.Count - 1));
    }

    /// <summary>Whether there is room for one more; counts nothing.</summary>
    public Tally Peek(CounterKey key, WindowRule rule)
    {
        var now = clock.GetTimestamp();
        var entry = TableOf(key).Read(key, now);
        var isOver = entry.Count >= rule.Limit;
        var isFirst = isOver && !entry.IsTold && TableOf(key).Use(key, now, 0, static (ref entry, _) =>
        {
            if (entry.IsTold) return false;
            entry.IsTold = true;
            return true;
        });
        return new Tally(isOver, entry.Count, entry.Until == 0 ? rule.Window : Span(entry.Until - now), isFirst, rule, IsLocal: true);
    }

    /// <summary>Somebody else has counted up to the limit: until its window ends that holds here too.</summary>
    public void Close(CounterKey key, Tally full)
    {
        var now = clock.GetTimestamp();
        TableOf(key).Use(key, now, (full, until: now + Ticks(full.EndsIn)), static (ref entry, s) =>
        {
            (entry.Count, entry.Until, entry.ExpiresAt, entry.IsTold) = (s.full.Rule.Limit, s.until, s.until, true);
            return true;
        });
    }

    private static Verdict RefusalOf(in CounterEntry entry, LookRule rule) => entry.Count - entry.Looking < rule.Free ? Verdict.Busy : Verdict.Refused;

    private CounterTable TableOf(CounterKey key) => key.Kind == CounterKind.SessionRefreshes ? _sessions : _windows;

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * clock.TimestampFrequency);

    private TimeSpan Span(long ticks) => TimeSpan.FromSeconds((double)ticks / clock.TimestampFrequency);
}
