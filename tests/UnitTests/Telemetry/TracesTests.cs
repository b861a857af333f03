using System.Diagnostics;
using AuthService.Telemetry;
using OpenTelemetry.Trace;

namespace UnitTests.Telemetry;

public class TracesTests
{
    private readonly ManualClock _clock = new();

    [Theory]
    [InlineData(ActivityKind.Server, SamplingDecision.RecordAndSample)]
    [InlineData(ActivityKind.Client, SamplingDecision.Drop)]      // a statement of the node's own accord
    [InlineData(ActivityKind.Internal, SamplingDecision.Drop)]
    public void Only_a_request_begins_a_trace(ActivityKind kind, SamplingDecision decision) =>
        Assert.Equal(decision, Decide(new TraceSampler(1, 100, _clock), default, kind));

    [Theory]
    [InlineData(true, SamplingDecision.RecordAndSample)]
    [InlineData(false, SamplingDecision.Drop)]
    public void What_happens_in_a_request_goes_with_it(bool isRecorded, SamplingDecision decision)
    {
        var request = Context(isRecorded, isRemote: false);
        Assert.All([ActivityKind.Client, ActivityKind.Internal], kind => Assert.Equal(decision, Decide(new TraceSampler(0, 100, _clock), request, kind)));
    }

    [Fact]
    public void A_caller_may_ask_for_a_trace()
    {
        var sampler = new TraceSampler(0, 100, _clock);
        Assert.Equal(SamplingDecision.RecordAndSample, Decide(sampler, Context(isRecorded: true, isRemote: true), ActivityKind.Server));
        Assert.Equal(SamplingDecision.Drop, Decide(sampler, Context(isRecorded: false, isRemote: true), ActivityKind.Server));
    }

    // Anybody can send the header. Take MayBegin out and this fails.
    [Fact]
    public void No_more_than_so_many_begin_in_a_second_whoever_asks()
    {
        var sampler = new TraceSampler(1, 3, _clock);
        Assert.Equal(3, Begun());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3, Begun());

        int Begun() => Enumerable.Range(0, 20).Count(_ => Decide(sampler, Context(isRecorded: true, isRemote: true), ActivityKind.Server) == SamplingDecision.RecordAndSample);
    }

    [Theory]
    [InlineData("SELECT /* Users/ListUsers.list_users */ id FROM users", "Users/ListUsers.list_users")]
    [InlineData("DISCARD ALL", "unnamed")]
    [InlineData("SELECT /* open", "unnamed")]
    public void A_statement_is_shown_by_its_name(string text, string name) => Assert.Equal(name, StatementNames.NameIn(text));

    private static ActivityContext Context(bool isRecorded, bool isRemote) =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), isRecorded ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None, isRemote: isRemote);

    private static SamplingDecision Decide(TraceSampler sampler, ActivityContext parent, ActivityKind kind) =>
        sampler.ShouldSample(new SamplingParameters(parent, parent == default ? ActivityTraceId.CreateRandom() : parent.TraceId, "any", kind)).Decision;
}
