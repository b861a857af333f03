using AuthService.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;

namespace UnitTests.Http;

/// <summary>What watching costs a request of the busiest routes. Counted in bytes, which don't depend on the machine; <c>./dev bench middleware</c> has the times.</summary>
public class RequestWatchTests
{
    private const int Requests = 2_000;

    // The object of the request, the execution context that leads to it, and the text of one header. Make InvokeAsync async, or keep a dictionary a request, and this fails.
    [Fact]
    public void A_request_that_is_not_logged_costs_a_few_hundred_bytes()
    {
        var bare = BytesPerRequest(next => next);
        var watched = BytesPerRequest(next =>
        {
            var options = new HttpOptions();
            var bodies = new ObservedBodies(next, options);
            return new RequestWatch(bodies.InvokeAsync, options, new RequestLog(options, NullLogger<RequestLog>.Instance), TimeProvider.System).InvokeAsync;
        });
        Assert.InRange(watched - bare, 1, 320);
    }

    private static double BytesPerRequest(Func<RequestDelegate, RequestDelegate> pipeline)
    {
        var builder = new RouteEndpointBuilder(_ => Task.CompletedTask, Microsoft.AspNetCore.Routing.Patterns.RoutePatternFactory.Parse("/often"), 0);
        new Conventions(builder).OftenAsked();
        var endpoint = builder.Build();
        var answer = new Answer();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseFeature>(answer);
        context.SetEndpoint(endpoint);
        var run = pipeline(_ => Task.CompletedTask);
        for (var i = 0; i < 100; i++) RunOnce();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Requests; i++) RunOnce();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Requests;

        void RunOnce()
        {
            answer.Headers.Clear();
            Assert.True(run(context).IsCompletedSuccessfully);
            answer.Run();
        }
    }

    private sealed class Conventions(EndpointBuilder endpoint) : IEndpointConventionBuilder
    {
        public void Add(Action<EndpointBuilder> convention) => convention(endpoint);
    }

    /// <summary>Keeps callbacks without allocating, as the server does.</summary>
    private sealed class Answer : HttpResponseFeature
    {
        private readonly (Func<object, Task> Call, object State)[] _calls = new (Func<object, Task>, object)[2];
        private int _count;

        public override void OnStarting(Func<object, Task> callback, object state) => _calls[_count++] = (callback, state);

        public override void OnCompleted(Func<object, Task> callback, object state) => _calls[_count++] = (callback, state);

        public void Run()
        {
            for (var i = 0; i < _count; i++) Assert.True(_calls[i].Call(_calls[i].State).IsCompletedSuccessfully);
            _count = 0;
        }
    }
}
