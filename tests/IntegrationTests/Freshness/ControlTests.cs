using SolidCache.Freshness;
using Xunit.Abstractions;

namespace IntegrationTests.Freshness;

/// <summary>The negative controls: for each part of the protocol a run without it, in which the same judge must find a stale answer.</summary>
public class ControlTests(Servers servers, ITestOutputHelper output) : IClassFixture<Servers>
{
    private const int Seed = 7;

    private readonly CancellationToken _ct = new CancellationTokenSource(TimeSpan.FromSeconds(150)).Token;

    public static TheoryData<string> OnAnyServer => [.. Controls.OnAnyServer.Select(m => m.ToString())];

    [Theory]
    [MemberData(nameof(OnAnyServer))]
    public async Task Without_it_a_stale_answer_is_found(string part)
    {
        var disabled = Enum.Parse<Mechanisms>(part);
        await AssertStaleAsync(disabled, async attempt =>
        {
            await using var database = await servers.CreateDatabaseAsync(_ct);
            return await Controls.RunAsync(disabled, database.ConnectionString, Seed + attempt, _ct);
        });
    }

    [Fact]
    public Task Without_an_epoch_a_stale_answer_is_found_after_a_crash() =>
        AssertStaleAsync(Mechanisms.Epoch, attempt => Controls.RunEpochAsync(Mechanisms.Epoch, Seed + attempt, _ct));

    private async Task AssertStaleAsync(Mechanisms disabled, Func<int, Task<Findings>> run)
    {
        var findings = await Controls.UntilStaleAsync(run);
        output.WriteLine($"without {disabled}: {findings}");
        Assert.True(findings.Stale > 0, findings.ToString());
    }
}
