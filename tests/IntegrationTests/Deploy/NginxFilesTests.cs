namespace IntegrationTests.Deploy;

public class NginxFilesTests(Servers servers) : IClassFixture<Servers>
{
    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Nginx_takes_the_files_as_they_are_shipped()
    {
        var (code, said) = await NginxServer.CheckAsync(replace: null, Ct);
        Assert.True(code == 0 && !said.Contains("[warn]", StringComparison.Ordinal), said);
        // The control: a directive it doesn't know.
        Assert.NotEqual(0, (await NginxServer.CheckAsync(text => text.Replace("proxy_connect_timeout", "proxy_conect_timeout", StringComparison.Ordinal), Ct)).Code);
    }
}
