using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace IntegrationTests.Outbound;

/// <summary>Somebody else's server, on a real socket of this machine: it answers as a test says and keeps what has arrived.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _connections;
    private int _requests;

    private Receiver(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());
    public int Port => Url.Port;
    public int Connections => Volatile.Read(ref _connections);
    public int Requests => Volatile.Read(ref _requests);

    /// <param name="answer">Is given the number of the request, from 1.</param>
    /// <param name="certificate">Null: no TLS.</param>
    public static async Task<Receiver> StartAsync(Func<HttpContext, int, Task> answer, CancellationToken ct, X509Certificate2? certificate = null, string address = "127.0.0.1")
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        Receiver? self = null;
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Parse(address), 0, listen =>
        {
            listen.Use(next => connection =>
            {
                Interlocked.Increment(ref self!._connections);
                return next(connection);
            });
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        self = new Receiver(app);
        app.Run(context => answer(context, Interlocked.Increment(ref self._requests)));
        await app.StartAsync(ct);
        return self;
    }

    public static Task<Receiver> StartAsync(int status, CancellationToken ct, string address = "127.0.0.1") => StartAsync((context, _) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }, ct, address: address);

    /// <summary>Signed by nobody.</summary>
    public static X509Certificate2 OwnCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));   // some of its answers have no end
        await _app.DisposeAsync();
    }
}
