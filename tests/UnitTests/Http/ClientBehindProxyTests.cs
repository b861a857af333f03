using System.Net;
using AuthService.Http;

namespace UnitTests.Http;

public class ClientBehindProxyTests
{
    private readonly Lines _lines = new();

    [Fact]
    public async Task The_client_takes_the_place_of_the_proxy()
    {
        Assert.Equal(IPAddress.Parse("203.0.113.7"), await PassAsync(NewMiddleware("10.0.0.1"), "10.0.0.1", "203.0.113.7"));
        Assert.Equal(IPAddress.Parse("10.0.0.1"), await PassAsync(NewMiddleware("10.0.0.1"), "10.0.0.1", header: null));
        Assert.Empty(_lines.Written);
    }

    // An installation whose clients are all one, and that learns it from a flood, would have liked to be told. Not at every request, though: any client can write the header.
    [Fact]
    public async Task A_header_that_is_not_believed_is_told_of_once()
    {
        var middleware = NewMiddleware("none");
        for (var i = 0; i < 3; i++) Assert.Equal(IPAddress.Parse("10.0.0.1"), await PassAsync(middleware, "10.0.0.1", "203.0.113.7"));
        Assert.Contains("10.0.0.1", Assert.Single(_lines.Written), StringComparison.Ordinal);
        Assert.Contains("Http:TrustedProxies", _lines.Written[0], StringComparison.Ordinal);
    }

    private ClientBehindProxy NewMiddleware(string trusted)
    {
        Assert.True(TrustedProxies.TryParse(trusted, out var proxies));
        return new ClientBehindProxy(_ => Task.CompletedTask, proxies, _lines);
    }

    private static async Task<IPAddress?> PassAsync(ClientBehindProxy middleware, string peer, string? header)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        if (header is not null) context.Request.Headers["X-Forwarded-For"] = header;
        await middleware.InvokeAsync(context);
        return context.Connection.RemoteIpAddress;
    }

    private sealed class Lines : ILogger<ClientBehindProxy>
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Written.Add(formatter(state, exception));
    }
}
