using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AuthService.Outbound;
using UnitTests.Outbound;

namespace IntegrationTests.Outbound;

/// <summary>Calls to others, over real sockets: where they don't go (T78), and how they end when the other side behaves badly.</summary>
public class OutboundHttpTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly CancellationToken Ct = CancellationToken.None;

    // Return true from ReachableAddresses.MayReach and IsAllowed, and the listener below has connections.
    [Fact]
    public async Task Nothing_beside_us_is_connected_to_however_it_is_written()
    {
        await using var receiver = await Receiver.StartAsync(200, Ct);
        await using var sixth = await Receiver.StartAsync(200, Ct, address: "::1");
        using var outbound = new Caller(_ => [IPAddress.Loopback]);   // what a system makes of "localhost." differs
        foreach (var text in RefusedUrls.All)
        {
            // As far as the framework takes them for URLs at all: past the check of their form, at our own listeners' ports.
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || IsOfOthers(url)) continue;
            foreach (var scheme in new[] { "http", "https" })
            {
                var at = new UriBuilder(url) { Scheme = scheme, Port = url.HostNameType == UriHostNameType.IPv6 ? sixth.Port : receiver.Port, UserName = "", Password = "" }.Uri;
                Assert.True(OutboundFailure.Refused == await outbound.FailsAsync(at), at.AbsoluteUri);
            }
        }

        Assert.Equal((0, 0), (receiver.Connections, sixth.Connections));
    }

    // Look the name up before connecting, and let the handler look it up again, and the second receiver is reached.
    [Fact]
    public async Task A_name_that_comes_to_stand_for_another_address_leads_nowhere_else()
    {
        await using var allowed = await Receiver.StartAsync((context, _) => { context.Response.Headers.Connection = "close"; return Task.CompletedTask; }, Ct);
        await using var beside = await StartBesideAsync(allowed.Port);
        var asked = 0;
        using var outbound = new Caller(_ => [IPAddress.Parse(Interlocked.Increment(ref asked) == 1 ? "127.0.0.1" : "127.0.0.2")], "127.0.0.1");
        var url = new Uri($"http://rebinding.example:{allowed.Port}/");
        Assert.Equal(200, (await outbound.SendAsync(url)).Status);
        Assert.Equal(1, asked);
        Assert.Equal(OutboundFailure.Refused, await outbound.FailsAsync(url));
        Assert.Equal((1, 0), (allowed.Connections, beside.Connections));
    }

    // Skip the addresses that may not be reached instead of refusing the answer, and this is answered 200.
    [Fact]
    public async Task An_answer_that_mixes_addresses_is_refused()
    {
        await using var receiver = await Receiver.StartAsync(200, Ct);
        using var outbound = new Caller(_ => [IPAddress.Loopback, IPAddress.Parse("10.0.0.1")], "127.0.0.1");
        Assert.Equal(OutboundFailure.Refused, await outbound.FailsAsync(new Uri($"http://mixed.example:{receiver.Port}/")));
        Assert.Equal(0, receiver.Connections);
    }

    // Without TLS only to where the operator says; take isPlain out of OutboundDialer and this tries to connect to a public address.
    [Fact]
    public async Task Public_addresses_are_not_called_without_TLS()
    {
        using var outbound = new Caller(_ => [IPAddress.Parse("8.8.8.8")], "127.0.0.1");
        Assert.Equal(OutboundFailure.Refused, await outbound.FailsAsync(new Uri("http://public.example/")));
    }

    // Set AllowAutoRedirect and this arrives.
    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_an_answer_and_is_not_followed(int status)
    {
        await using var target = await Receiver.StartAsync(200, Ct);
        await using var receiver = await Receiver.StartAsync((context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = target.Url.ToString();
            return Task.CompletedTask;
        }, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1");
        var answer = await outbound.SendAsync(receiver.Url, mayRepeat: true);
        Assert.Equal((status, false), (answer.Status, answer.IsSuccess));
        Assert.Equal((1, 0), (receiver.Requests, target.Connections));
    }

    // Take the body without a limit, or with the time of the headers only, and this never ends.
    [Theory]
    [InlineData("endless", "oversized")]
    [InlineData("said to be long", "oversized")]
    [InlineData("a byte now and then", "timeout")]
    [InlineData("silent", "timeout")]
    [InlineData("cut off", "broken")]
    public async Task An_answer_that_does_not_end_well_is_cut(string answer, string expected)
    {
        var over = new TaskCompletionSource();
        await using var receiver = await Receiver.StartAsync(async (context, _) =>
        {
            var gone = context.RequestAborted;
            switch (answer)
            {
                case "endless":
                    while (!gone.IsCancellationRequested) await context.Response.Body.WriteAsync(new byte[4096], gone);
                    break;
                case "said to be long":
                    context.Response.ContentLength = 1L << 40;
                    await context.Response.Body.FlushAsync(gone);
                    await over.Task.WaitAsync(gone);
                    break;
                case "a byte now and then":
                    using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50)))
                    {
                        while (await timer.WaitForNextTickAsync(gone)) { await context.Response.Body.WriteAsync(new byte[1], gone); await context.Response.Body.FlushAsync(gone); }
                    }

                    break;
                case "silent":
                    await over.Task.WaitAsync(gone);
                    break;
                case "cut off":
                    context.Response.ContentLength = 100;
                    await context.Response.Body.WriteAsync(new byte[10], gone);
                    await context.Response.Body.FlushAsync(gone);
                    context.Abort();
                    break;
            }
        }, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1", options: o => o.TryTimeout = TimeSpan.FromMilliseconds(500));
        Assert.Equal(expected, OutboundMetrics.NameOf(await outbound.FailsAsync(receiver.Url)));
        over.SetResult();
    }

    [Fact]
    public async Task Without_TLS_that_is_good_nothing_is_sent()
    {
        using var certificate = Receiver.OwnCertificate();
        await using var forged = await Receiver.StartAsync((_, _) => Task.CompletedTask, Ct, certificate);
        await using var plain = await Receiver.StartAsync(200, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1");
        Assert.Equal(OutboundFailure.Tls, await outbound.FailsAsync(new Uri($"https://127.0.0.1:{forged.Port}/")));
        Assert.Equal(OutboundFailure.Tls, await outbound.FailsAsync(new Uri($"https://127.0.0.1:{plain.Port}/")));
        Assert.Equal((0, 0), (forged.Requests, plain.Requests));
    }

    [Fact]
    public async Task Nobody_there_has_a_name()
    {
        using var outbound = new Caller(_ => throw new SocketException((int)SocketError.HostNotFound), "127.0.0.1");
        Assert.Equal(OutboundFailure.Unresolved, await outbound.FailsAsync(new Uri("http://nobody.example/")));
        int port;
        await using (var gone = await Receiver.StartAsync(200, Ct)) port = gone.Port;
        Assert.Equal(OutboundFailure.Unreachable, await outbound.FailsAsync(new Uri($"http://127.0.0.1:{port}/")));
    }

    // Retry what may not be repeated, or not what may, and the numbers differ.
    [Theory]
    [InlineData(503, true, 3)]
    [InlineData(500, true, 3)]
    [InlineData(429, true, 3)]
    [InlineData(408, true, 3)]
    [InlineData(404, true, 1)]
    [InlineData(501, false, 1)]
    [InlineData(429, false, 1)]
    public async Task Only_what_may_be_repeated_is_tried_again(int status, bool mayRepeat, int expected)
    {
        await using var receiver = await Receiver.StartAsync(status, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1");
        Assert.Equal(status, (await outbound.SendAsync(receiver.Url, mayRepeat)).Status);
        Assert.Equal(expected, receiver.Requests);
    }

    [Fact]
    public async Task The_third_try_may_succeed()
    {
        await using var receiver = await Receiver.StartAsync((context, number) =>
        {
            if (number == 1) context.Abort();
            else context.Response.StatusCode = number == 2 ? 503 : 204;
            return Task.CompletedTask;
        }, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1");
        Assert.Equal(204, (await outbound.SendAsync(receiver.Url, mayRepeat: true)).Status);
        Assert.Equal(3, receiver.Requests);
    }

    // Wait for whatever Retry-After says, and this takes an hour. Leave its bound out, and the third is 10 years.
    [Theory]
    [InlineData("3600", 3_599, 3_600, 1)]
    [InlineData("date", 3_590, 3_601, 1)]
    [InlineData("315360000", 86_400, 86_400, 1)]
    [InlineData("0", 0, 0, 3)]
    [InlineData("Fri, 01 Jan 1999 00:00:00 GMT", 0, 0, 3)]
    public async Task When_to_come_again_is_for_the_other_side_to_say(string retryAfter, int least, int most, int requests)
    {
        await using var receiver = await Receiver.StartAsync((context, _) =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = retryAfter == "date" ? TimeProvider.System.GetUtcNow().AddHours(1).ToString("R", CultureInfo.InvariantCulture) : retryAfter;
            return Task.CompletedTask;
        }, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1");
        var answer = await outbound.SendAsync(receiver.Url, mayRepeat: true);
        Assert.InRange(answer.RetryAfter!.Value.TotalSeconds, least, most);
        Assert.Equal(requests, receiver.Requests);
    }

    // Let one breaker stand for all hosts and the second receiver is not asked; leave it out and the first one is asked for ever.
    [Fact]
    public async Task A_host_that_keeps_failing_is_left_alone_for_a_while()
    {
        var isWell = false;
        await using var failing = await Receiver.StartAsync((context, _) => { context.Response.StatusCode = isWell ? 200 : 500; return Task.CompletedTask; }, Ct);
        await using var other = await Receiver.StartAsync(200, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1", options: o => (o.MaxTries, o.BreakTime) = (1, TimeSpan.FromSeconds(1)));
        for (var i = 0; i < 5; i++) Assert.Equal(500, (await outbound.SendAsync(failing.Url)).Status);
        Assert.Equal(OutboundFailure.Open, await outbound.FailsAsync(failing.Url));
        Assert.Equal(5, failing.Requests);
        Assert.Equal(200, (await outbound.SendAsync(other.Url)).Status);
        isWell = true;
        await Eventually.TrueAsync(async () => await outbound.EndsAsync(failing.Url) is null, Soon);
    }

    // Take the limit away and all three arrive at once.
    [Fact]
    public async Task So_many_are_under_way_so_many_wait_and_no_more()
    {
        var (arrived, over) = (new SemaphoreSlim(0), new TaskCompletionSource());
        await using var receiver = await Receiver.StartAsync(async (_, _) => { arrived.Release(); await over.Task; }, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1", options: o => (o.MaxConcurrent, o.QueueLength) = (1, 1));
        var first = outbound.SendAsync(receiver.Url);
        await arrived.WaitAsync(Ct);
        var second = outbound.SendAsync(receiver.Url);
        Assert.Equal(OutboundFailure.Busy, await outbound.FailsAsync(receiver.Url));
        Assert.Equal(1, receiver.Requests);
        over.SetResult();
        Assert.Equal((200, 200), ((await first).Status, (await second).Status));
    }

    [Fact]
    public async Task The_time_for_all_counts_also_while_waiting()
    {
        await using var receiver = await Receiver.StartAsync(503, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1", options: o => (o.MaxTries, o.TotalTimeout, o.FirstRetryDelay) = (10, TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(4)));
        Assert.Equal(OutboundFailure.Timeout, await outbound.FailsAsync(receiver.Url, mayRepeat: true));
    }

    // Take ActivityHeadersPropagator = null away and traceparent is sent.
    [Fact]
    public async Task No_more_is_sent_than_was_asked_for()
    {
        var headers = new ConcurrentQueue<string>();
        await using var receiver = await Receiver.StartAsync((context, _) => { foreach (var h in context.Request.Headers) headers.Enqueue(h.Key); return Task.CompletedTask; }, Ct);
        using var outbound = new Caller(allowed: "127.0.0.1");
        using var activity = new System.Diagnostics.Activity("a request").Start();
        await outbound.SendAsync(receiver.Url);
        Assert.Equal(["Host", "User-Agent"], headers.Order(StringComparer.Ordinal));
    }

    /// <summary>Refused for its form alone; a test has no business there.</summary>
    private static bool IsOfOthers(Uri url) => IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) ? ReachableAddresses.IsPublic(address)
        : !url.Host.TrimEnd('.').EndsWith("localhost", StringComparison.Ordinal);

    /// <summary>At the same port of another address of this machine.</summary>
    private static async Task<Listener> StartBesideAsync(int port)
    {
        var listener = new TcpListener(IPAddress.Parse("127.0.0.2"), port);
        listener.Start();
        await Task.Yield();
        return new Listener(listener);
    }

    private sealed class Listener(TcpListener listener) : IAsyncDisposable
    {
        public int Connections => listener.Pending() ? 1 : 0;

        public ValueTask DisposeAsync()
        {
            listener.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>The client as the service has it, with a name server of the test's.</summary>
    private sealed class Caller : IHostAddresses, IDisposable
    {
        private readonly Func<string, IPAddress[]>? _find;
        private readonly OutboundMetrics _metrics = new();
        private readonly OutboundHttp _http;

        public Caller(Func<string, IPAddress[]>? find = null, string allowed = "none", Action<OutboundOptions>? options = null)
        {
            _find = find;
            var own = new OutboundOptions { FirstRetryDelay = TimeSpan.FromMilliseconds(10), AllowedNetworks = allowed };
            options?.Invoke(own);
            Assert.True(ReachableAddresses.TryParse(allowed, out var reachable));
            _http = new OutboundHttp(new OutboundDialer(this, reachable), own, _metrics, TimeProvider.System);
        }

        public Task<IPAddress[]> FindAsync(string host, CancellationToken ct) => _find is null ? new SystemHostAddresses().FindAsync(host, ct) : Task.FromResult(_find(host));

        public Task<OutboundAnswer> SendAsync(Uri url, bool mayRepeat = false) =>
            _http.SendAsync(new OutboundRequest("test", HttpMethod.Get, url) { MayRepeat = mayRepeat, MaxAnswerBytes = 64 * 1024 }, Ct);

        public async Task<OutboundFailure> FailsAsync(Uri url, bool mayRepeat = false) => (await Assert.ThrowsAsync<OutboundFailedException>(() => SendAsync(url, mayRepeat))).Failure;

        /// <returns>Null: with an answer.</returns>
        public async Task<OutboundFailure?> EndsAsync(Uri url)
        {
            try
            {
                await SendAsync(url);
                return null;
            }
            catch (OutboundFailedException e)
            {
                return e.Failure;
            }
        }

        public void Dispose()
        {
            _http.Dispose();
            _metrics.Dispose();
        }
    }
}
