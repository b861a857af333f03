using System.Globalization;
using SolidCache.Redis.Resp;

namespace AuthService.Throttling;

/// <summary>
/// Counts in Redis, for all nodes together. One script call a counter; those of an attempt are sent at the same time and share a round trip, also in
/// a cluster, where each goes to its own master. "Now" is the node's: a clock that is ahead or behind shifts waits by as much, once.
/// </summary>
/// <param name="prefix">Of every key, where an installation shares its Redis.</param>
internal sealed class RedisCounters(RedisClient redis, string prefix, TimeProvider clock) : ICounters
{
    private static readonly RedisScript BeginLook = Script("begin_look");
    private static readonly RedisScript EndLook = Script("end_look");
    private static readonly RedisScript CountOne = Script("count");
    private static readonly RedisScript UncountOne = Script("uncount");

    public async ValueTask<Look> BeginLookAsync(CounterKey key, LookRule rule)
    {
        var reply = await RunAsync(BeginLook, key, [Now, Text(rule.Free), Text(rule.StopAfter), Text(rule.LongestDelay), Text(rule.Memory), Text(LookRule.LongestLook)]);
        var verdict = reply[0] switch { 0 => Verdict.May, 1 => Verdict.Refused, _ => Verdict.Busy };
        return new Look(verdict, (int)reply[1], rule, IsLocal: false);
    }

    public async ValueTask EndLookAsync(CounterKey key, Look look, LookEnd end)
    {
        var how = end switch { LookEnd.Failed => "failed", LookEnd.Succeeded => "succeeded", _ => "not_looked" };
        await RunAsync(EndLook, key, [how, Text(look.Rule.Free)]);
    }

    public async ValueTask<Tally> CountAsync(CounterKey key, WindowRule rule)
    {
        var reply = await RunAsync(CountOne, key, [Now, Text(rule.Limit), Text(rule.Window)]);
        return new Tally(reply[0] == 1, (int)reply[1], TimeSpan.FromMilliseconds(reply[2]), reply[3] == 1, rule, IsLocal: false);
    }

    public async ValueTask UncountAsync(CounterKey key, Tally counted) => await RunAsync(UncountOne, key, []);

    private async ValueTask<long[]> RunAsync(RedisScript script, CounterKey key, string[] arguments)
    {
        // Not the caller's token: what was sent is counted, whether or not somebody waits for the answer.
        var reply = await redis.EvaluateAsync(script, prefix + key, arguments, CancellationToken.None);
        return Array.ConvertAll(reply.Items.ToArray(), item => item.AsInteger());
    }

    private string Now => Text(clock.GetUtcNow().ToUnixTimeMilliseconds());

    private static string Text(TimeSpan span) => Text((long)span.TotalMilliseconds);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static RedisScript Script(string name)
    {
        var file = $"Throttling/{nameof(RedisCounters)}.{name}.lua";
        using var stream = typeof(RedisCounters).Assembly.GetManifestResourceStream(file) ?? throw new InvalidOperationException($"No embedded file '{file}'.");
        return new RedisScript(new StreamReader(stream).ReadToEnd());
    }
}
