using System.Diagnostics;

namespace IntegrationTests.Deploy;

/// <summary>The files for Kubernetes, read by its own tool. No cluster is asked.</summary>
public class ManifestsTests(Servers servers) : IClassFixture<Servers>
{
    private static readonly string Kubernetes = ShippedFiles.PathOf("deploy", "kubernetes");

    private CancellationToken Ct => servers.TestTimeout;

    [Fact]
    public async Task Kubectl_reads_every_manifest_and_builds_the_kustomization()
    {
        var files = Directory.GetFiles(Kubernetes, "*.yaml", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not ("kustomization.yaml" or "prometheus-adapter.yaml")).ToArray();   // these are no manifests
        Assert.True(files.Length >= 10);
        foreach (var file in files)
        {
            var (code, said, wrong) = await RunAsync("kubectl", Kubernetes, "label", "--local", "-f", file, "checked=yes", "-o", "name");
            Assert.True(code == 0 && said.Contains('/', StringComparison.Ordinal) && said.Contains("authservice", StringComparison.Ordinal), $"{file}: {wrong}");
        }

        var built = await RunAsync("kubectl", Kubernetes, "kustomize", Kubernetes);
        Assert.True(built.Code == 0, built.Error);
        Assert.DoesNotContain("kind: Secret", built.Output, StringComparison.Ordinal);
        Assert.Contains("image: registry.example.com/authservice:0.1.0", built.Output, StringComparison.Ordinal);

        // The control: an indentation that is wrong.
        await using var folder = new TestFolder();
        var broken = Path.Combine(folder.Path, "service.yaml");
        await File.WriteAllTextAsync(broken, (await File.ReadAllTextAsync(Path.Combine(Kubernetes, "service.yaml"), Ct)).Replace("  name: authservice\n", " name: authservice\n   more: x\n", StringComparison.Ordinal), Ct);
        Assert.NotEqual(0, (await RunAsync("kubectl", folder.Path, "label", "--local", "-f", broken, "checked=yes")).Code);
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["KUBECONFIG"] = "/dev/null";
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, await output, await error);
    }
}
