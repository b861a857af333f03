using UnitTests.Repository;

namespace UnitTests.Deploy;

/// <summary>The Compose file against the service and the files it names. Whether Compose itself reads it: <c>IntegrationTests/Deploy</c>.</summary>
public class ComposeTests
{
    private static readonly string[] Nodes = ["authservice-1", "authservice-2"];

    private readonly YamlValue _compose = DeployedSettings.Yaml("deploy", "compose", "compose.yml");

    private YamlValue Service(string name) => _compose["services"][name];

    [Fact]
    public void Settings_are_those_of_the_service()
    {
        foreach (var node in Nodes)
        {
            var environment = Service(node)["environment"].Members.Select(m => KeyValuePair.Create(m.Key, m.Value.Text)).ToDictionary(StringComparer.Ordinal);
            Assert.Equal("${AUTHSERVICE_ISSUER:-http://127.0.0.1:8080}", environment["Tokens__Issuer"]);
            environment["Tokens__Issuer"] = "http://127.0.0.1:8080";
            var configuration = DeployedSettings.Read("compose.yml", environment);

            Assert.Equal(Service("nginx")["networks"]["front"]["ipv4_address"].Text, configuration["Http:TrustedProxies"]);
            Assert.True(DeployedSettings.Duration(Service(node)["stop_grace_period"].Text!) > DeployedSettings.Stopping(configuration) + TimeSpan.FromSeconds(5));
            var metrics = new Uri(configuration["Telemetry:MetricsUrl"]!).Port;
            var targets = DeployedSettings.Yaml("deploy", "compose", "prometheus.yml")["scrape_configs"].Items.Single()["static_configs"].Items.Single()["targets"];
            Assert.Equal(Nodes.Select(n => $"{n}:{metrics}"), targets.Items.Select(t => t.Text));
        }
    }

    // Move a file that is mounted and this names it: Compose would make an empty folder in its place.
    [Fact]
    public void Every_file_it_mounts_is_there_and_can_not_be_written()
    {
        var mounts = (from service in _compose["services"].Members
                      from volume in service.Value["volumes"].Items
                      where volume.Text!.StartsWith('.')
                      select volume.Text!.Split(':')).ToList();
        Assert.True(mounts.Count >= 10);
        Assert.All(mounts, mount =>
        {
            var path = RepositoryRoot.PathOf("deploy", "compose", mount[0]);
            Assert.True(File.Exists(path) || Directory.Exists(path), $"{mount[0]} is not there");
            Assert.Equal("ro", mount[2]);
        });
        var build = Service(Nodes[0])["build"];
        Assert.True(File.Exists(RepositoryRoot.PathOf("deploy", "compose", build["context"].Text!, build["dockerfile"].Text!)));
        var image = Service(Nodes[0])["image"].Text!.Split(':')[1];
        Assert.Contains($"<Version>{image}</Version>", RepositoryRoot.Read("Directory.Build.props"), StringComparison.Ordinal);
    }

    // `docker-compose config` says nothing when a name is misspelt here; `up` would.
    [Fact]
    public void Networks_volumes_secrets_and_services_it_names_are_there()
    {
        foreach (var (name, service) in _compose["services"].Members)
        {
            var networks = service["networks"].Node is IDictionary<object, object> ? service["networks"].Members.Select(m => m.Key) : service["networks"].Items.Select(n => n.Text!);
            var volumes = service["volumes"].Items.Select(v => v.Text!.Split(':')[0]).Where(v => !v.StartsWith('.'));
            var before = service["depends_on"].Node is IDictionary<object, object> ? service["depends_on"].Members.Select(m => m.Key) : service["depends_on"].Items.Select(n => n.Text!);
            AreIn("networks", networks);
            AreIn("volumes", volumes);
            AreIn("secrets", service["secrets"].Items.Select(s => s.Text!));
            AreIn("services", before);
            void AreIn(string section, IEnumerable<string> names) => Assert.All(names, n => Assert.True(_compose[section].Members.Any(m => m.Key == n), $"{name} wants {n}, which {section} does not have"));
        }
    }

    // The same provisioning: Grafana looks for dashboards where they are mounted, and for Prometheus where it runs.
    [Fact]
    public void Grafana_finds_what_it_is_given()
    {
        var dashboards = Assert.Single(DeployedSettings.Yaml("deploy", "grafana", "provisioning", "dashboards", "authservice.yml")["providers"].Items)["options"]["path"].Text;
        Assert.Contains($"../grafana/dashboards:{dashboards}:ro", Service("grafana")["volumes"].Items.Select(v => v.Text));
        var source = Assert.Single(DeployedSettings.Yaml("deploy", "grafana", "provisioning", "datasources", "prometheus.yml")["datasources"].Items)["url"].Text;
        Assert.Equal("http://prometheus:9090", source);
        var job = DeployedSettings.Yaml("deploy", "prometheus", "prometheus.yml")["scrape_configs"].Items.Single()["job_name"].Text;
        Assert.Equal(job, DeployedSettings.Yaml("deploy", "compose", "prometheus.yml")["scrape_configs"].Items.Single()["job_name"].Text);
    }

    [Fact]
    public void Nginx_has_the_nodes_where_they_are()
    {
        var nginx = RepositoryRoot.Read("deploy", "compose", "nginx.conf");
        var port = RepositoryRoot.Read("deploy", "docker", "Dockerfile").Split("Urls=http://0.0.0.0:")[1].Split('\n')[0];
        foreach (var node in Nodes) Assert.Contains($"server {Service(node)["networks"]["front"]["ipv4_address"].Text}:{port} ", nginx, StringComparison.Ordinal);
        var listen = nginx.Split("listen ")[1].Split(';')[0];
        Assert.Equal([$"127.0.0.1:8080:{listen}"], Service("nginx")["ports"].Items.Select(p => p.Text));
        Assert.All(Service("nginx")["volumes"].Items.Select(v => v.Text!.Split(':')[1]).Where(p => p.EndsWith("locations.conf", StringComparison.Ordinal)), p => Assert.Contains($"include {p};", nginx, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_has_more_rights_than_it_needs_and_nothing_is_open_to_the_network()
    {
        foreach (var (name, service) in _compose["services"].Members)
        {
            Assert.True(service["read_only"].Text == "true", $"{name} can write its own files");
            Assert.Equal(["ALL"], service["cap_drop"].Items.Select(c => c.Text));
            Assert.Equal(["no-new-privileges:true"], service["security_opt"].Items.Select(c => c.Text));
            Assert.All(service["ports"].Items, port => Assert.StartsWith("127.0.0.1:", port.Text, StringComparison.Ordinal));
            Assert.DoesNotContain(":latest", service["image"].Text, StringComparison.Ordinal);
            Assert.Matches(@":v?\d+\.\d+(\.\d+)?", service["image"].Text);
        }

        Assert.All(["postgres", "redis"], name => Assert.Equal(["back"], Service(name)["networks"].Items.Select(n => n.Text!)));
        Assert.Equal("true", _compose["networks"]["back"]["internal"].Text);
    }

    // Write a password into the file and this fails.
    [Fact]
    public void No_secret_is_in_the_repository()
    {
        var settings = from service in _compose["services"].Members
                       from setting in service.Value["environment"].Members
                       where setting.Key.Contains("PASSWORD", StringComparison.OrdinalIgnoreCase) || setting.Key.Contains("Key", StringComparison.Ordinal) || setting.Key.StartsWith("ConnectionStrings", StringComparison.Ordinal)
                       select (setting.Key, setting.Value.Text);
        Assert.All(settings, s => Assert.True(s.Key.EndsWith("_FILE", StringComparison.Ordinal) && s.Text!.StartsWith("/run/secrets/", StringComparison.Ordinal), s.Key));
        Assert.All(_compose["secrets"].Members, secret => Assert.StartsWith("secrets/", secret.Value["file"].Text, StringComparison.Ordinal));
        Assert.Contains("deploy/compose/secrets/", RepositoryRoot.Read(".gitignore").Split('\n'));
    }
}
