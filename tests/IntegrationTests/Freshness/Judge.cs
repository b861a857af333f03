using System.Diagnostics;
using System.Globalization;

namespace IntegrationTests.Freshness;

/// <summary>A question that was answered: about what, by which process, when it began and ended, and what was said.</summary>
internal readonly record struct Ask(Switch About, int Node, long Start, long End, bool Yes);

/// <summary>What a run came to.</summary>
/// <param name="Undecided">Questions that a change went on beside: either answer is right.</param>
/// <param name="SoonAfter">Decided questions that began within 50 ms after a change was answered, at a process that had answered about its subject before.</param>
/// <param name="AsksUntilFirst">How many questions had been answered when the first stale answer was found.</param>
internal sealed record Findings(long Asks, long Undecided, long SoonAfter, long Stale, string? First, long AsksUntilFirst)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Asks} checks, {Undecided} of them beside a change, {SoonAfter} within 50 ms after one; {Stale} stale")
        + (First is null ? "" : string.Create(CultureInfo.InvariantCulture, $", the first after {AsksUntilFirst} checks: {First}"));
}

/// <summary>
/// Compares answers with what had been answered before their questions began. By one clock, since all who ask are one process. A question is judged
/// when its answer has come: changes that could have been seen in it have been written down by then, for a call is written down before it is sent.
/// </summary>
internal sealed class Judge
{
    private static readonly long Soon = Stopwatch.Frequency / 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<(Switch About, int Node), long> _firstAnswers = [];
    private long _asks, _undecided, _soon, _stale, _untilFirst;
    private string? _first;

    public bool HasStale => Volatile.Read(ref _stale) > 0;

    public Findings Findings
    {
        get
        {
            lock (_lock) return new Findings(_asks, _undecided, _soon, _stale, _first, _untilFirst);
        }
    }

    public void Add(in Ask ask)
    {
        var (isOn, last, next) = ask.About.At(ask.Start);
        lock (_lock)
        {
            _asks++;
            if (next is { } change && change.Start < ask.End) _undecided++;
            else if (ask.Yes != isOn) Accuse(ask, last);
            else if (last is { } answered && ask.Start - answered.End <= Soon && _firstAnswers.TryGetValue((ask.About, ask.Node), out var held) && held < answered.End) _soon++;
            _firstAnswers.TryAdd((ask.About, ask.Node), ask.End);
        }
    }

    private void Accuse(in Ask ask, Flip? last)
    {
        if (_stale++ > 0) return;
        _untilFirst = _asks;
        var since = last is { } flip
            ? string.Create(CultureInfo.InvariantCulture, $"asked {Ms(ask.Start - flip.End):0.00} ms after the change to {(flip.IsOn ? "yes" : "no")} was answered (a call of {Ms(flip.End - flip.Start):0.0} ms)")
            : "and it never was that";
        _first = string.Create(CultureInfo.InvariantCulture, $"{ask.About} is said to be {(ask.Yes ? "yes" : "no")} by process {ask.Node}, {since}; the answer took {Ms(ask.End - ask.Start):0.0} ms");
    }

    private static double Ms(long ticks) => ticks * 1000.0 / Stopwatch.Frequency;
}
