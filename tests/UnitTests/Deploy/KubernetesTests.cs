using System.Globalization;
using k8s;
using k8s.Models;
using UnitTests.Repository;
using YamlDotNet.Core;

namespace UnitTests.Deploy;

/// <summary>
/// The manifests, read with the types of Kubernetes' API and compared with the service and with each other. No cluster is asked: what only a server
/// checks, such as whether a name is well-formed, is not seen here.
/// </summary>
public class KubernetesTests
{
    private static readonly string[] Kinds = ["namespace", "service-account", "config-map", "deployment", "service", "pod-disruption-budget", "horizontal-pod-autoscaler", "network-policy"];

    private readonly V1Deployment _deployment = One<V1Deployment>("deployment.yaml");
    private readonly V1ConfigMap _settings = One<V1ConfigMap>("config-map.yaml");
    private readonly V1Service _service = One<V1Service>("service.yaml");

    private V1PodSpec Pod => _deployment.Spec.Template.Spec;
    private V1Container Container => Assert.Single(Pod.Containers);

    // Misspell a member anywhere, readinesProbe say, or write one twice, and the file isn't read.
    [Fact]
    public void Every_manifest_is_one_of_the_API()
    {
        var read = Manifests().SelectMany(file => Objects(file)).ToList();
        Assert.Equal(Kinds.Length + 2, read.Count);
        Assert.All(read, o => Assert.True(o is V1Namespace { Metadata.Name: "authservice" } || ((IMetadata<V1ObjectMeta>)o).Metadata.NamespaceProperty == "authservice", $"{o} is in another namespace"));

        // The control.
        var misspelt = RepositoryRoot.Read("deploy", "kubernetes", "deployment.yaml").Replace("readinessProbe:", "readinesProbe:", StringComparison.Ordinal);
        Assert.ThrowsAny<YamlException>(() => KubernetesYaml.LoadAllFromString(misspelt, strict: true));
    }

    [Fact]
    public void Kustomize_takes_every_file_beside_it_and_the_version_that_is_built()
    {
        var kustomization = DeployedSettings.Yaml("deploy", "kubernetes", "kustomization.yaml");
        Assert.Equal(Kinds.Select(k => k + ".yaml"), kustomization["resources"].Items.Select(i => i.Text));
        Assert.Equal(Kinds.Append("kustomization").Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(RepositoryRoot.PathOf("deploy", "kubernetes"), "*.yaml").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

        var image = Assert.Single(kustomization["images"].Items);
        Assert.Equal(Container.Image, image["name"].Text);
        Assert.Contains($"<Version>{image["newTag"].Text}</Version>", RepositoryRoot.Read("Directory.Build.props"), StringComparison.Ordinal);
        foreach (var job in Jobs()) Assert.Equal($"{image["newName"].Text}:{image["newTag"].Text}", Assert.Single(job.Containers).Image);
    }

    // Rename a key, or write a time span as 5s, and this says which and what is allowed.
    [Fact]
    public void Settings_are_those_of_the_service()
    {
        var configuration = DeployedSettings.Read("config-map.yaml", _settings.Data.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        Assert.Equal(["authservice"], Container.EnvFrom.Select(e => e.ConfigMapRef.Name));
        foreach (var pod in Jobs().Append(Pod))
        {
            DeployedSettings.Read("secrets", pod.Containers[0].Env.Where(e => e.Name != "Tokens__MasterKey").Select(e => KeyValuePair.Create(e.Name, (string?)"")));
            Assert.All(pod.Containers[0].Env, e => Assert.Null(e.Value));
            Assert.All(pod.Containers[0].Env, e => Assert.Equal("authservice", e.ValueFrom.SecretKeyRef.Name));
        }

        // What must fit into what.
        Assert.True(Pod.TerminationGracePeriodSeconds > DeployedSettings.Stopping(configuration).TotalSeconds + 5);
        Assert.True(configuration.GetValue<long>("SolidCache:MemoryMaxBytes") * 2 <= Container.Resources.Limits["memory"].ToInt64() * 3 / 4);
        var noticed = Container.ReadinessProbe.PeriodSeconds * Container.ReadinessProbe.FailureThreshold;
        Assert.True(noticed < configuration.GetValue<TimeSpan>("Http:DrainTime").TotalSeconds, $"not ready is noticed after {noticed} s");
    }

    // By docs/operate/scale.md, with the most lanes there can be and the one node more of a rolling update. Raise maxReplicas to 5 and this fails.
    [Fact]
    public void All_nodes_together_fit_into_the_server()
    {
        var scaler = One<V2HorizontalPodAutoscaler>("horizontal-pod-autoscaler.yaml");
        var nodes = scaler.Spec.MaxReplicas + int.Parse(_deployment.Spec.Strategy.RollingUpdate.MaxSurge.ToString()!, CultureInfo.InvariantCulture);
        var pool = int.Parse(_settings.Data["Database__PoolMaximum"], CultureInfo.InvariantCulture);
        var server = RepositoryRoot.Read("deploy", "postgres", "authservice.conf").Split("max_connections = ")[1].Split(' ')[0];
        Assert.InRange(nodes * (pool + 8 + 6) + 20, 1, int.Parse(server, CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Ports_names_and_paths_are_those_of_the_service()
    {
        var ports = Container.Ports.ToDictionary(p => p.Name, p => p.ContainerPort, StringComparer.Ordinal);
        Assert.Contains($"Urls=http://0.0.0.0:{ports["http"]}", RepositoryRoot.Read("deploy", "docker", "Dockerfile"), StringComparison.Ordinal);
        Assert.Equal($"http://0.0.0.0:{ports["metrics"]}", _settings.Data["Telemetry__MetricsUrl"]);
        Assert.Equal(ports.Keys, _service.Spec.Ports.Select(p => p.TargetPort.ToString()!));

        var probes = new[] { Container.StartupProbe, Container.LivenessProbe, Container.ReadinessProbe }.Select(p => (p.HttpGet.Path, p.HttpGet.Port.ToString()!));
        Assert.Equal([("/health/live", "http"), ("/health/live", "http"), ("/health/ready", "http")], probes);
        var health = RepositoryRoot.Read("src", "AuthService", "Health", "HealthEndpoints.cs");
        Assert.All(["MapGroup(\"/health\")", "MapGet(\"/live\"", "MapGet(\"/ready\""], route => Assert.Contains(route, health, StringComparison.Ordinal));

        var labels = _deployment.Spec.Template.Metadata.Labels;
        var budget = One<V1PodDisruptionBudget>("pod-disruption-budget.yaml");
        var policy = One<V1NetworkPolicy>("network-policy.yaml");
        Assert.All(
            [_deployment.Spec.Selector.MatchLabels, _service.Spec.Selector, budget.Spec.Selector.MatchLabels, policy.Spec.PodSelector.MatchLabels],
            selector => Assert.Equal(labels, selector));
        Assert.All(Pod.TopologySpreadConstraints, spread => Assert.Equal(labels, spread.LabelSelector.MatchLabels));
        Assert.All(policy.Spec.Ingress.SelectMany(i => i.Ports), port => Assert.Contains(port.Port.ToString()!, ports.Keys));
        // Jobs must not get the service's traffic.
        Assert.All(JobTemplates(), job => Assert.NotEqual(labels["app.kubernetes.io/name"], job.Metadata.Labels["app.kubernetes.io/name"]));

        var monitor = DeployedSettings.Yaml("deploy", "kubernetes", "options", "service-monitor.yaml");
        Assert.Equal(_service.Metadata.Labels.Select(l => (l.Key, l.Value)), monitor["spec"]["selector"]["matchLabels"].Members.Select(m => (m.Key, m.Value.Text!)));
        Assert.Contains(Assert.Single(monitor["spec"]["endpoints"].Items)["port"].Text, _service.Spec.Ports.Select(p => p.Name));
    }

    [Fact]
    public void The_autoscaler_scales_the_deployment_by_a_metric_the_adapter_makes()
    {
        var scaler = One<V2HorizontalPodAutoscaler>("horizontal-pod-autoscaler.yaml");
        Assert.Equal((_deployment.ApiVersion, _deployment.Kind, _deployment.Metadata.Name),
            (scaler.Spec.ScaleTargetRef.ApiVersion, scaler.Spec.ScaleTargetRef.Kind, scaler.Spec.ScaleTargetRef.Name));
        Assert.Null(_deployment.Spec.Replicas);
        Assert.Contains("cpu", Container.Resources.Requests.Keys);   // a utilization is one of what was requested
        var rule = Assert.Single(DeployedSettings.Yaml("deploy", "kubernetes", "options", "prometheus-adapter.yaml")["rules"]["custom"].Items);
        Assert.Equal(rule["name"]["as"].Text, scaler.Spec.Metrics.Single(m => m.Type == "Pods").Pods.Metric.Name);
        Assert.Contains("`http_server_request_duration_seconds`", RepositoryRoot.Read("docs", "operate", "metrics.md"), StringComparison.Ordinal);
        Assert.StartsWith("http_server_request_duration_seconds_count{", rule["seriesQuery"].Text, StringComparison.Ordinal);
    }

    // Take readOnlyRootFilesystem out of one of them and this fails.
    [Fact]
    public void Pods_have_no_rights_they_do_not_need()
    {
        Assert.Equal("restricted", One<V1Namespace>("namespace.yaml").Metadata.Labels["pod-security.kubernetes.io/enforce"]);
        foreach (var pod in Jobs().Append(Pod))
        {
            Assert.Equal((true, 1654L, "RuntimeDefault", false, false),
                (pod.SecurityContext.RunAsNonRoot, pod.SecurityContext.RunAsUser, pod.SecurityContext.SeccompProfile.Type, pod.AutomountServiceAccountToken, pod.EnableServiceLinks));
            var container = Assert.Single(pod.Containers);
            Assert.Equal((false, true), (container.SecurityContext.AllowPrivilegeEscalation, container.SecurityContext.ReadOnlyRootFilesystem));
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.Contains("memory", container.Resources.Limits.Keys);
            Assert.Equal(pod.Volumes.Select(v => v.Name), container.VolumeMounts.Select(v => v.Name));
        }
    }

    [Fact]
    public void Jobs_run_verbs_that_are_there()
    {
        Assert.Equal(["cache cleanup", "migrate"], Jobs().Select(j => string.Join(' ', j.Containers[0].Args)));
        Assert.Contains("new Command(\"cleanup\"", RepositoryRoot.Read("src", "AuthService", "Cli", "CacheCommand.cs"), StringComparison.Ordinal);
        Assert.Contains("new Command(\"migrate\"", RepositoryRoot.Read("src", "AuthService", "Cli", "MigrateCommand.cs"), StringComparison.Ordinal);
    }

    private static V1PodTemplateSpec[] JobTemplates() =>
        [One<V1CronJob>("options", "clean-up.yaml").Spec.JobTemplate.Spec.Template, One<V1Job>("options", "migrate.yaml").Spec.Template];

    private static IEnumerable<V1PodSpec> Jobs() => JobTemplates().Select(t => t.Spec);

    private static T One<T>(params string[] path) => Assert.IsType<T>(Assert.Single(Objects(RepositoryRoot.PathOf(["deploy", "kubernetes", .. path]))));

    private static List<object> Objects(string file) => KubernetesYaml.LoadAllFromString(File.ReadAllText(file), strict: true);

    /// <summary>All but those of kinds that others brought: kustomize, the Prometheus Operator, a chart's values.</summary>
    private static IEnumerable<string> Manifests() =>
        from file in Directory.EnumerateFiles(RepositoryRoot.PathOf("deploy", "kubernetes"), "*.yaml", SearchOption.AllDirectories)
        where Path.GetFileName(file) is not ("kustomization.yaml" or "service-monitor.yaml" or "prometheus-adapter.yaml")
        select file;
}
